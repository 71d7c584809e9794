"""Links: from a value to the logs around it, and from a trace id to its logs and to the trace."""

from __future__ import annotations

import json
from urllib.parse import quote

from anytel.generate.promql import quoted

__all__ = ["around", "escaped", "logs_of_trace"]

_TRACE = "${__value.raw}"


def around(service: str, logs: str) -> str:
    """Give the address of the service's logs in the time range that is shown; *logs* is the uid of their source."""
    return _explore(logs, f"{{service_name={quoted(service)}}}", "${__from}", "${__to}")


def logs_of_trace(service: str, logs: str) -> str:
    """Give the address of the log lines with the trace id that a value is."""
    return _explore(logs, f"{{service_name={quoted(service)}}} |= `{_TRACE}`", "now-6h", "now")


def escaped(url: str) -> str:
    """Write an address for a provisioning file, in which Grafana fills in variables of the environment."""
    return url.replace("$", "$$")


def _explore(source: str, query: str, start: str, end: str) -> str:
    reference = {"type": "loki", "uid": source}
    pane = {
        "datasource": source,
        "queries": [{"refId": "A", "datasource": reference, "expr": query, "queryType": "range"}],
        "range": {"from": start, "to": end},
    }
    # Variables have to stay as they are: Grafana fills them in before anybody decodes the address.
    panes = quote(json.dumps({"logs": pane}, separators=(",", ":")), safe="${}:_.")
    return f"/explore?schemaVersion=1&orgId=1&panes={panes}"
