"""Renders points as an ``ExportMetricsServiceRequest``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from weakref import WeakKeyDictionary

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as wire

from anytel.backend import Exemplar, MetricBatch, MetricFlow, MetricKind, Point, Series, Spelling
from anytel_otlp.common import Resources, attributes, scope, span_id, trace_id
from anytel_otlp.exponential import Buckets, histogram

__all__ = ["Renderer", "spelling"]

_TEMPORALITY: Mapping[MetricFlow, wire.AggregationTemporality.ValueType] = {
    "delta": wire.AGGREGATION_TEMPORALITY_DELTA,
    "cumulative": wire.AGGREGATION_TEMPORALITY_CUMULATIVE,
}
_TYPES: Mapping[MetricKind, str] = {
    "count": "sum",
    "gauge": "gauge",
    "set": "gauge",
    "distribution": "histogram",
    "histogram": "histogram",
}


def spelling(series: Series) -> Spelling:
    """Give the names of a metric in OTLP, which are ours; what the receiver makes of them is its own affair."""
    tags = {name: name for name, _ in series.tags}
    bounds = tuple(map(str, series.bounds))
    return Spelling(
        name=series.name, type=_TYPES[series.kind], unit=series.unit, series=(series.name,), tags=tags, bounds=bounds
    )


class Renderer:
    """Renders the batches of one process; what does not change with the value is rendered once per series."""

    def __init__(self, resources: Resources, *, exponential: bool) -> None:
        self._resources, self._exponential = resources, exponential
        self._attributes: WeakKeyDictionary[Series, Sequence[KeyValue]] = WeakKeyDictionary()

    def render(self, points: Iterable[Point], batch: MetricBatch, since_ns: int = 0) -> ExportMetricsServiceRequest:
        """Render *points* of a batch, those of one metric together; exemplars only of what came after *since_ns*."""
        metrics: dict[str, wire.Metric] = {}
        for point in points:
            series = point.series
            metric = metrics.get(series.name)
            if metric is None:
                metric = wire.Metric(name=series.name, description=series.description, unit=series.unit)
                metrics[series.name] = metric
            self._add(metric, point, batch, since_ns)
        scoped = wire.ScopeMetrics(scope=scope(""), metrics=metrics.values())
        found = wire.ResourceMetrics(resource=self._resources.own, scope_metrics=[scoped])
        return ExportMetricsServiceRequest(resource_metrics=[found])

    def _add(self, metric: wire.Metric, point: Point, batch: MetricBatch, since_ns: int) -> None:
        temporality = _TEMPORALITY[batch.flow]
        start_ns = batch.start_ns if batch.flow == "delta" else point.start_ns
        exemplars = [_exemplar(one) for one in point.exemplars.values() if one.time_ns > since_ns]
        tags, kind = self._tags(point.series), point.series.kind
        if kind in ("gauge", "set"):
            metric.gauge.data_points.append(_number(point.value, 0, batch.end_ns, tags))
        elif kind == "count":
            metric.sum.aggregation_temporality, metric.sum.is_monotonic = temporality, True
            metric.sum.data_points.append(_number(point.value, start_ns, batch.end_ns, tags, exemplars))
        elif kind == "distribution" and self._exponential and point.samples:
            metric.exponential_histogram.aggregation_temporality = temporality
            found = _exponential(point, start_ns, batch.end_ns, tags, exemplars)
            metric.exponential_histogram.data_points.append(found)
        else:
            metric.histogram.aggregation_temporality = temporality
            metric.histogram.data_points.append(_explicit(point, start_ns, batch.end_ns, tags, exemplars))

    def _tags(self, series: Series) -> Sequence[KeyValue]:
        found = self._attributes.get(series)
        if found is None:
            found = self._attributes[series] = attributes(series.tags)
        return found


def _number(
    value: float, start_ns: int, end_ns: int, tags: Sequence[KeyValue], exemplars: Sequence[wire.Exemplar] = ()
) -> wire.NumberDataPoint:
    point = wire.NumberDataPoint(
        attributes=tags, start_time_unix_nano=start_ns, time_unix_nano=end_ns, exemplars=exemplars
    )
    if isinstance(value, int):
        point.as_int = value
    else:
        point.as_double = value
    return point


def _explicit(
    point: Point, start_ns: int, end_ns: int, tags: Sequence[KeyValue], exemplars: Sequence[wire.Exemplar]
) -> wire.HistogramDataPoint:
    return wire.HistogramDataPoint(
        attributes=tags,
        start_time_unix_nano=start_ns,
        time_unix_nano=end_ns,
        count=point.count,
        sum=point.value,
        min=point.low if point.count else None,
        max=point.high if point.count else None,
        bucket_counts=point.buckets,
        explicit_bounds=point.series.bounds,
        exemplars=exemplars,
    )


def _exponential(
    point: Point, start_ns: int, end_ns: int, tags: Sequence[KeyValue], exemplars: Sequence[wire.Exemplar]
) -> wire.ExponentialHistogramDataPoint:
    found = histogram(point.samples, point.count)
    return wire.ExponentialHistogramDataPoint(
        attributes=tags,
        start_time_unix_nano=start_ns,
        time_unix_nano=end_ns,
        count=point.count,
        sum=point.value,
        min=point.low,
        max=point.high,
        scale=found.scale,
        zero_count=found.zeros,
        positive=_buckets(found.positive),
        negative=_buckets(found.negative),
        exemplars=exemplars,
    )


def _buckets(of: Buckets) -> wire.ExponentialHistogramDataPoint.Buckets | None:
    if not of.counts:
        return None
    return wire.ExponentialHistogramDataPoint.Buckets(offset=of.offset, bucket_counts=of.counts)


def _exemplar(of: Exemplar) -> wire.Exemplar:
    return wire.Exemplar(
        time_unix_nano=of.time_ns,
        as_double=of.value,
        trace_id=trace_id(of.context.trace_id),
        span_id=span_id(of.context.span_id),
    )
