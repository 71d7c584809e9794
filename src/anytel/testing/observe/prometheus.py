"""What Prometheus got: one scrape of the endpoint that the backend opens."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self, TypeAlias

from prometheus_client.samples import Sample

from anytel import runtime
from anytel.testing.observe.lookup import Lookup, series_key
from anytel.testing.observe.seen import Catalogue, Metric, Reading, Seen, SeriesKey
from anytel.testing.receivers.prometheus import Scrape, scrape

__all__ = ["PrometheusObserver"]

_UNITS: Mapping[str, str] = {"s": "_seconds", "By": "_bytes"}
_BUCKET, _COUNT, _SUM = "_bucket", "_count", "_sum"

Parts: TypeAlias = Mapping[str, Mapping[str, float]]
"""The samples of one histogram: suffix -> bound (empty where there is none) -> value."""


class PrometheusObserver:
    """Scrapes what the backend serves on any free port. There is nothing to run."""

    settings: Mapping[str, str] = {"OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1", "OTEL_EXPORTER_PROMETHEUS_PORT": "0"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None: ...

    def received(self) -> Scrape:
        """Give one scrape."""
        return scrape(_url())

    def seen(self, catalogue: Catalogue) -> Seen:
        """Tell what one scrape gives of our series, the process's own metrics left out."""
        answer = self.received()
        lookup = Lookup(catalogue, _spell)
        ours = list(_samples(answer, lookup))
        exemplars = [sample.exemplar.labels for _, sample in ours if sample.exemplar]
        return Seen(
            place="prometheus",
            metrics=dict(_readings(ours, lookup)),
            exemplars=[(labels.get("trace_id", ""), labels.get("span_id", "")) for labels in exemplars],
        )


def _url() -> str:
    """Give the address of the backend that is in force."""
    backends = {backend.name: backend for backend in runtime.active.pipeline.backends}
    return str(getattr(backends["prometheus"], "url"))  # noqa: B009 -- no attribute of every backend


def _spell(key: SeriesKey, metric: Metric) -> SeriesKey:
    """Spell as Prometheus does: underscores, and the unit at the end; a counter's ``_total`` is left out."""
    unit = "" if metric.kind == "set" else _UNITS.get(metric.unit, "")
    tags = {re.sub(r"[^A-Za-z0-9_]", "_", name): value for name, value in key.tags}
    return series_key(re.sub(r"[^A-Za-z0-9_:]", "_", key.metric).removesuffix(unit) + unit, tags)


def _samples(answer: Scrape, lookup: Lookup) -> Iterator[tuple[str, Sample]]:
    """Give the samples of our families, each with its family's name."""
    for family in answer.families.values():
        if family.name in lookup.names:
            for sample in family.samples:
                yield family.name, sample


def _readings(samples: list[tuple[str, Sample]], lookup: Lookup) -> Iterator[tuple[SeriesKey, Reading]]:
    found: defaultdict[SeriesKey, defaultdict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for family, sample in samples:
        key = lookup.find(family, sample.labels)
        found[key][sample.name.removeprefix(family)][sample.labels.get("le", "")] = sample.value
    for key, parts in found.items():
        metric = lookup.metric(key)
        yield key, _reading(metric.kind if metric is not None else "unknown", parts)


def _reading(kind: str, parts: Parts) -> Reading:
    if _BUCKET not in parts:
        return Reading(kind=kind, value=next(iter(parts.get("_total", parts.get("", {})).values()), None))
    totals = [value for _, value in sorted(parts[_BUCKET].items(), key=lambda item: float(item[0]))]
    buckets = tuple(int(now - before) for before, now in zip([0.0, *totals], totals, strict=False))
    return Reading(kind=kind, value=parts[_SUM][""], count=int(parts[_COUNT][""]), buckets=buckets)
