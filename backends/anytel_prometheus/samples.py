"""Samples: families of points as the objects of ``prometheus_client``, for whoever reads its registry."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar, Sample, Timestamp

from anytel import backend
from anytel_prometheus.catalogue import Groups
from anytel_prometheus.exposition import has_sum
from anytel_prometheus.family import Family
from anytel_prometheus.naming import labels

__all__ = ["metrics"]


def metrics(groups: Groups) -> Iterator[Metric]:
    """Give one `Metric` per family, equal to what the exposition says."""
    for family, rows in groups.items():
        metric = Metric(family.name, family.help, family.type, family.declared_unit)
        for _, point in rows:
            metric.samples += _histogram(family, point) if family.type == "histogram" else _scalar(family, point)
        yield metric


def _scalar(family: Family, point: backend.Point) -> list[Sample]:
    exemplar = _exemplar(family, point.exemplars.get(0)) if family.type == "counter" else None
    return [Sample(family.sample, labels(point.series.tags), family.unit.scaled(point.value), None, exemplar)]


def _histogram(family: Family, point: backend.Point) -> list[Sample]:
    tags, name, total, samples = labels(point.series.tags), family.name, 0, list[Sample]()
    for index, (bound, count) in enumerate(zip(family.bounds(point.series), point.buckets, strict=False)):
        total += count
        exemplar = _exemplar(family, point.exemplars.get(index))
        samples.append(Sample(f"{name}_bucket", {**tags, "le": bound}, total, None, exemplar))
    if has_sum(point):
        samples.append(Sample(f"{name}_count", tags, total))
        samples.append(Sample(f"{name}_sum", tags, family.unit.scaled(point.value)))
    return samples


def _exemplar(family: Family, exemplar: backend.Exemplar | None) -> Exemplar | None:
    if exemplar is None:
        return None
    span = {"span_id": f"{exemplar.context.span_id:016x}", "trace_id": f"{exemplar.context.trace_id:032x}"}
    return Exemplar(span, family.unit.scaled(exemplar.value), Timestamp(*divmod(exemplar.time_ns, 10**9)))
