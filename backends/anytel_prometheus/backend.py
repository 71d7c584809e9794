"""The backend: keeps nothing and sends nothing, but answers scrapes with the host's totals."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import ClassVar

from prometheus_client import REGISTRY

from anytel.backend import Backend, ConfigError, Host, MetricFlow, ScrapeApp, Series, Signal, Spelling
from anytel_prometheus.endpoint import asgi_app
from anytel_prometheus.exporter import Exporter
from anytel_prometheus.family import Family
from anytel_prometheus.fidelity import FIDELITY
from anytel_prometheus.lease import Lease
from anytel_prometheus.publication import publish, withdraw

__all__ = ["PrometheusBackend"]

logger = logging.getLogger("anytel")
_HOST = "OTEL_EXPORTER_PROMETHEUS_HOST"
_PORT = "OTEL_EXPORTER_PROMETHEUS_PORT"


class PrometheusBackend(Backend):
    """Serves metrics to Prometheus.

    With a *port* (``OTEL_EXPORTER_PROMETHEUS_PORT``; 0 takes any free one) the open backend listens on *host*
    (``OTEL_EXPORTER_PROMETHEUS_HOST``, by default this machine only). Without one the application mounts
    ``anytel_prometheus.asgi_app`` or ``wsgi_app``.
    """

    name: ClassVar[str] = "prometheus"
    signals: ClassVar[frozenset[Signal]] = frozenset({"metric"})
    metric_flow: MetricFlow = "pull"
    exemplars: ClassVar[bool] = True
    fidelity: ClassVar[Mapping[str, str]] = FIDELITY

    def __init__(self, host: str | None = None, port: int | None = None) -> None:
        self._address_host = host or os.environ.get(_HOST, "").strip() or "localhost"
        self._address_port = _port_from(os.environ) if port is None else _checked(port, "the argument port")
        self._exporter: Exporter | None = None
        self._lease: Lease | None = None
        self._pid = 0

    @property
    def url(self) -> str | None:
        """The address of the own server, while there is one."""
        return self._lease.server.url if self._lease else None

    @classmethod
    def spelling(cls, series: Series, /) -> Spelling:
        """Give the names that an exposition has."""
        return Family.of(series).spelling(series)

    def open(self, host: Host, /) -> None:
        """Publish the metrics, and listen if a port is set.

        Raises:
            ConfigError: The port cannot be listened on. A forked child only warns: its parent has the port.
        """
        forked, self._pid = self._pid not in {0, os.getpid()}, os.getpid()
        self._lease = self._listen(forked=forked)
        self._exporter = Exporter(host)
        publish(self._exporter)
        self.native = REGISTRY

    def scrape_app(self) -> ScrapeApp | None:
        """Give the endpoint that ``instrument(app, metrics=...)`` serves."""
        return asgi_app

    def close(self, deadline: float, /) -> bool:
        """Stop listening and withdraw the metrics."""
        if self._exporter:
            withdraw(self._exporter)
        if self._lease:
            self._lease.end()
        self._exporter = self._lease = self.native = None
        return True

    def _listen(self, *, forked: bool) -> Lease | None:
        if self._address_port is None:
            return None
        try:
            return Lease(self._address_host, self._address_port)
        except OSError as error:
            problem = f"cannot listen on {self._address_host}: {error.strerror or error}"
            if not forked:
                fix = f"Choose a free port (and {_HOST}), or unset it and mount anytel_prometheus.asgi_app."
                raise ConfigError(_PORT, self._address_port, "the environment", problem, fix) from error
            logger.warning("prometheus: process %d serves no metrics: %s", self._pid, problem)
            return None


def _port_from(environ: Mapping[str, str]) -> int | None:
    value = environ.get(_PORT, "").strip()
    return _checked(value, "the environment") if value else None


def _checked(value: str | int, origin: str) -> int:
    try:
        port = int(value)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise ConfigError(_PORT, value, origin, "not a port", "Use a number from 1 to 65535, or 0 for any free port.")
    return port
