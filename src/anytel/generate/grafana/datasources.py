"""Data sources, and the folder of the dashboards, as Grafana reads them from files.

Grafana fills in variables of the environment in these files, so that a ``$`` of its own is written twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from anytel.generate.grafana.links import escaped, logs_of_trace
from anytel.generate.grafana.source import Data
from anytel.generate.options import Options

__all__ = ["LOKI", "PROMETHEUS", "THANOS", "datasources", "provider"]

PROMETHEUS, THANOS, LOKI = "prometheus", "thanos", "loki"
"""The uids of the data sources."""
_TRACE_ID = "trace_id"
_RAW = "${__value.raw}"


def datasources(options: Options) -> Data:
    """Give Prometheus, Thanos Query and Loki; those whose address is empty are left out, and taken away."""
    found = [
        _source(PROMETHEUS, "Prometheus", "prometheus", options.prometheus_url, _metrics(options, "Prometheus")),
        _source(THANOS, "Thanos Query", "prometheus", options.thanos_url, _metrics(options, "Thanos")),
        _source(LOKI, "Loki", "loki", options.loki_url, {"derivedFields": [*_fields(options)]}),
        _source("alertmanager", "Alertmanager", "alertmanager", _alerts(options), {"implementation": "prometheus"}),
    ]
    known = [one for one in found if one["url"]]
    return {"apiVersion": 1, "prune": True, "datasources": [_first(one, known) for one in known]}


def provider(options: Options, path: str = "/var/lib/grafana/dashboards") -> Data:
    """Give where Grafana finds dashboards: at a *path* on its machine. They lie in a folder named after the service."""
    found = {
        "name": options.service,
        "folder": options.service,
        "type": "file",
        "allowUiUpdates": False,
        "disableDeletion": False,
        "updateIntervalSeconds": 30,
        "options": {"path": path},
    }
    return {"apiVersion": 1, "providers": [found]}


def _source(uid: str, name: str, kind: str, url: str, settings: Data) -> Data:
    return {
        "name": name, "uid": uid, "type": kind, "access": "proxy", "url": url, "editable": False, "jsonData": settings,
    }  # fmt: skip


def _first(one: Data, known: list[Data]) -> Data:
    """Of several for metrics, Thanos is what is chosen: it knows old values too, and all clusters."""
    chosen = next((other["uid"] for other in known if other["uid"] in (THANOS, PROMETHEUS)), "")
    if any(other["uid"] == THANOS for other in known):
        chosen = THANOS
    return {**one, "isDefault": one["uid"] == chosen}


def _metrics(options: Options, kind: str) -> Data:
    return {
        "prometheusType": kind,
        "httpMethod": "POST",
        "timeInterval": options.scrape_interval,
        "exemplarTraceIdDestinations": [*_destinations(options)],
    }


def _destinations(options: Options) -> Iterator[Data]:
    """Give where the trace id of an exemplar leads."""
    if options.traces_url:
        yield {"name": _TRACE_ID, "url": _trace(options), "urlDisplayLabel": "Trace"}
    if options.loki_url:
        url = escaped(logs_of_trace(options.service, LOKI))
        yield {"name": _TRACE_ID, "url": url, "urlDisplayLabel": "Logs of the trace"}


def _fields(options: Options) -> Iterator[Data]:
    """Give what is made of a log line: its trace id, with the way to the trace and to the trace's other lines."""
    found = {"name": "Trace", "matcherType": "regex", "matcherRegex": '"trace_id": ?"([0-9a-f]{32})"'}
    if options.traces_url:
        yield {**found, "url": _trace(options), "urlDisplayLabel": "Trace"}
    url = escaped(logs_of_trace(options.service, LOKI))
    yield {**found, "name": "Logs of the trace", "url": url, "urlDisplayLabel": "Logs of the trace"}


def _trace(options: Options) -> str:
    return escaped(options.traces_url.replace("{trace_id}", _RAW))


def _alerts(options: Options) -> str:
    return f"http://{options.alertmanagers[0]}" if options.alertmanagers else ""
