"""The exporter: answers a scrape with the host's totals and the application's own collectors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import NamedTuple

from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from anytel.backend import Host
from anytel_prometheus import exposition, samples
from anytel_prometheus.catalogue import Catalogue
from anytel_prometheus.naming import reserved_names

__all__ = ["Exporter", "Exposition"]

logger = logging.getLogger("anytel")
_EOF = b"# EOF\n"
_inside: ContextVar[bool] = ContextVar("anytel_prometheus_inside", default=False)
"""Set while an exporter reads the registry, which then must not ask the exporter."""


class Exposition(NamedTuple):
    """The answer to one scrape."""

    content_type: str
    body: bytes


class Exporter:
    """Renders what *host* collects. Where the application uses a name too, the application's metric stays."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._catalogue = Catalogue()
        self._failed = False

    def scrape(self, accept: str) -> Exposition:
        """Render everything in the format that an ``Accept`` header asks for, as ``prometheus_client`` chooses it."""
        encode, content_type = choose_encoder(accept)
        strict = content_type.startswith("application/openmetrics-text")
        taken, theirs = self._others(encode)
        groups = self._catalogue.groups(self._host.collect().points, taken)
        ours = exposition.openmetrics(groups) if strict else exposition.text(groups)
        return Exposition(content_type, b"".join([*theirs, *ours, _EOF if strict else b""]))

    def metrics(self) -> Iterator[Metric]:
        """Give our metrics to a reader of the registry; nothing when that reader is `scrape`."""
        if _inside.get():
            return
        # The only way to know them: asking the other collectors would double the cost of every scrape.
        taken = REGISTRY._names_to_collectors
        yield from samples.metrics(self._catalogue.groups(self._host.collect().points, taken))

    def _others(self, encode: Callable[[Collector], bytes]) -> tuple[set[str], list[bytes]]:
        """Render the other collectors, and give the names they take."""
        token = _inside.set(True)
        names, chunks = set[str](), list[bytes]()
        try:
            for metric in REGISTRY.collect():
                chunks.append(encode(_Collected([metric])).removesuffix(_EOF))
                names |= reserved_names(metric.name, metric.type)
        except Exception:
            # What the application registered must not hide our metrics.
            if not self._failed:
                logger.exception(
                    "prometheus: a collector of the application failed; it and those after it are left out"
                )
            self._failed = True
        finally:
            _inside.reset(token)
        return names, chunks


class _Collected:
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics
