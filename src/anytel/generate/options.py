"""The options: what the generated files need to know and no declaration says, such as addresses."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

from anytel.catalogue.durations import seconds
from anytel.config.settings import read
from anytel.errors import ConfigError

__all__ = ["Options", "options"]

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_CLUSTER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where things run.

    *service* is the value of the label ``service`` and the name of the scrape job. *scrape* are the ``host:port``
    pairs that serve its metrics, *alertmanagers* those of the Alertmanagers. Intervals are Prometheus durations.
    *external_labels* tell this Prometheus from others. *smtp* is the ``host:port`` that takes e-mail, from
    *smtp_from*; with *smtp_username* it is signed in to, over TLS. *secrets* is the folder of the files with secrets.
    *leaves* are the clusters' Prometheis as ``host:port`` by the value of the label ``cluster``, of which a central one
    takes the series that *match*. Prometheus keeps samples for *retention*, Thanos those of a resolution for
    *retention_raw*, *retention_5m* and *retention_1h*; ``0s`` is for ever. Grafana asks *prometheus_url*, *thanos_url*
    and *loki_url*, of which an empty one is left out, and leads to a trace at *traces_url*, in which ``{trace_id}``
    stands for its id. *before* are the files that an earlier run has generated, by their paths below the output folder.
    """

    service: str = "app"
    scrape: tuple[str, ...] = ("localhost:8000",)
    metrics_path: str = "/metrics"
    scrape_interval: str = "15s"
    evaluation_interval: str = "30s"
    alertmanagers: tuple[str, ...] = ("localhost:9093",)
    leaves: Mapping[str, str] = field(
        default_factory=lambda: {"east": "prometheus-east:9090", "west": "prometheus-west:9090"}
    )
    match: tuple[str, ...] = ()
    retention: str = "15d"
    retention_raw: str = "365d"
    retention_5m: str = "365d"
    retention_1h: str = "365d"
    smtp: str = "localhost:25"
    smtp_from: str = "alertmanager@localhost"
    smtp_username: str = ""
    secrets: str = "/run/secrets"
    prometheus_url: str = "http://localhost:9090"
    thanos_url: str = "http://localhost:10902"
    loki_url: str = "http://localhost:3100"
    traces_url: str = ""
    before: Mapping[str, str] = field(default_factory=dict)
    external_labels: Mapping[str, str] = field(default_factory=lambda: {"cluster": "default", "replica": "a"})


def options(app: str, given: Mapping[str, object]) -> Options:
    """Make options of what was *given* on the command line: None, and nothing of several, is the default.

    Raises:
        ConfigError: One of them cannot be used.
    """
    settings = {name: value for name, value in given.items() if value not in (None, ())}
    settings.setdefault("service", _service(app))
    if "external_labels" in settings:
        settings["external_labels"] = dict(_pair(one) for one in cast("tuple[str, ...]", settings["external_labels"]))
    if "leaves" in settings:
        settings["leaves"] = dict(_leaf(one) for one in cast("tuple[str, ...]", settings["leaves"]))
    made = Options(**settings)  # type: ignore[arg-type]  # the names are those of the command line
    for name in ("scrape_interval", "evaluation_interval", "retention"):
        _duration(name, getattr(made, name))
    for name in ("scrape", "alertmanagers"):
        for address in getattr(made, name):
            _address(name, address)
    for name in ("prometheus_url", "thanos_url", "loki_url", "traces_url"):
        _url(name, getattr(made, name))
    if made.traces_url and "{trace_id}" not in made.traces_url:
        raise _wrong("traces_url", made.traces_url, "no trace is named in it", "Write http://jaeger/trace/{trace_id}.")
    _address("smtp", made.smtp)
    if "@" not in made.smtp_from:
        raise _wrong("smtp_from", made.smtp_from, "it is no e-mail address", "Write alerts@example.com.")
    if not made.secrets.startswith("/"):
        fix = "Write it from the root on, such as /run/secrets."
        raise _wrong("secrets", made.secrets, "Alertmanager does not know what it is relative to", fix)
    for name in ("retention_raw", "retention_5m", "retention_1h"):
        _duration(name, getattr(made, name), zero=True)
    return made


def _service(app: str) -> str:
    """Give the name that the service has at run time, as far as the environment says, else that of its package."""
    found = read({}, os.environ).service
    package = app.partition(":")[0].partition(".")[0]
    return package if found.origin == "default" else found.value


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not _LABEL.fullmatch(name) or name.startswith("__"):
        raise _wrong("external_labels", text, "it is no NAME=VALUE with a label's name", "Write cluster=east.")
    return name, value


def _leaf(text: str) -> tuple[str, str]:
    name, equals, address = text.partition("=")
    if not equals or not _CLUSTER.fullmatch(name):
        raise _wrong("leaf", text, "it is no CLUSTER=HOST:PORT", "Write eu-west=prometheus-west:9090.")
    _address("leaf", address)
    return name, address


def _duration(name: str, value: str, *, zero: bool = False) -> None:
    try:
        if seconds(value) or zero:
            return
    except ValueError:
        pass
    raise _wrong(name, value, "it is no duration above 0", "Write 15s or 1m.")


def _address(name: str, value: str) -> None:
    host, _, port = value.rpartition(":")
    if not _HOST.fullmatch(host) or not port.isdecimal() or not 0 < int(port) <= 65535:
        raise _wrong(name, value, "it is no HOST:PORT", "Write localhost:8000, without http://.")


def _url(name: str, value: str) -> None:
    if value and not (value.startswith(("http://", "https://")) and urlsplit(value).hostname):
        raise _wrong(name, value, "it is no address", "Write http://localhost:9090, or nothing to leave it out.")


def _wrong(name: str, value: str, problem: str, fix: str) -> ConfigError:
    return ConfigError(f"--{name.replace('_', '-')}", value, "the command line", problem, fix)
