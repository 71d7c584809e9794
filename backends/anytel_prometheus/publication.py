"""The publication: what the endpoints and ``prometheus_client.REGISTRY`` show is the backend that is open."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator

from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric

from anytel_prometheus.exporter import Exporter

__all__ = ["publish", "published", "withdraw"]


class _Collector:
    """Our entry in the registry, the same one for all backends that come and go."""

    exporter: Exporter | None = None

    def describe(self) -> Iterable[Metric]:
        """Name nothing: with names, a reload could not register again, and without this method `collect` would run."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Give the open backend's metrics."""
        if (exporter := self.exporter) is not None:
            yield from exporter.metrics()


_collector = _Collector()
_lock = threading.Lock()


def published() -> Exporter | None:
    """Give the open backend's exporter."""
    return _collector.exporter


def publish(exporter: Exporter) -> None:
    """Show *exporter* from now on, in place of the one before."""
    with _lock:
        _collector.exporter = exporter
        REGISTRY.register(_collector)


def withdraw(exporter: Exporter) -> None:
    """Stop showing *exporter*, unless another one has taken its place."""
    with _lock:
        if _collector.exporter is not exporter:
            return
        _collector.exporter = None
        # The application may have emptied the registry.
        with contextlib.suppress(KeyError):
            REGISTRY.unregister(_collector)


def _forget() -> None:
    """Unlock in a forked child: the thread that held the lock is not there."""
    global _lock  # noqa: PLW0603 -- a lock cannot be replaced in place
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget)
