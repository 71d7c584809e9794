"""What an OpenTelemetry collector got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric as WireMetric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from anytel.backend import MetricKind
from anytel.testing.observe.lookup import Lookup
from anytel.testing.observe.seen import Catalogue, Reading, Seen, SeenError, SeenLog, SeenSpan, SeriesKey
from anytel.testing.receivers.otlp import OtlpReceiver, Received, attributes_of

__all__ = ["OtlpObserver"]

_DATA: Mapping[MetricKind, str] = {
    "count": "sum",
    "gauge": "gauge",
    "set": "gauge",
    "distribution": "histogram",
    "histogram": "histogram",
}


class OtlpObserver:
    """Runs a collector's HTTP port."""

    def __init__(self) -> None:
        self._receiver = OtlpReceiver()

    @property
    def settings(self) -> Mapping[str, str]:
        """Where the port is; totals, of which the last is all."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self._receiver.url,
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "cumulative",
        }

    def __enter__(self) -> Self:
        self._receiver.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._receiver.__exit__(kind, exc, tb)

    def received(self) -> OtlpReceiver:
        """Give the collector's port."""
        return self._receiver

    def seen(self, catalogue: Catalogue) -> Seen:
        """Tell what was in the requests."""
        received = self._receiver
        return Seen(
            place="otlp",
            spans=[_span(one) for one in received.spans],
            errors=[_error(one) for one in received.logs if _is_report(one)],
            logs=[_log(one) for one in received.logs if not _is_report(one)],
            metrics=_metrics(received.metrics, Lookup(catalogue, lambda key, metric: key)),
            exemplars=[(one.trace_id.hex(), one.span_id.hex()) for one in _exemplars(received.metrics)],
            malformed=received.malformed,
        )


def _span(received: Received[Span]) -> SeenSpan:
    wire = received.wire
    return SeenSpan(
        received.trace_id,
        received.span_id,
        received.parent_span_id,
        received.name,
        received.service,
        wire.status.code == Status.STATUS_CODE_ERROR,
        wire.start_time_unix_nano,
        wire.end_time_unix_nano,
    )


def _is_report(received: Received[LogRecord]) -> bool:
    return "error.handled" in received.attributes


def _log(received: Received[LogRecord]) -> SeenLog:
    return SeenLog(str(received.body), received.trace_id, received.span_id)


def _error(received: Received[LogRecord]) -> SeenError:
    has = received.attributes
    raised = str(has.get("exception.type", "")).rpartition(".")[2]
    about = raised or str(received.body)
    return SeenError(str(has["error.id"]), about, received.trace_id, received.span_id)


def _points(received: Sequence[Received[WireMetric]]) -> Iterator[tuple[Received[WireMetric], str, Any]]:
    """Give each metric's points, with the name of what holds them."""
    for one in received:
        data = str(one.wire.WhichOneof("data"))
        for point in getattr(one.wire, data).data_points:
            yield one, data, point


def _exemplars(received: Sequence[Received[WireMetric]]) -> Iterator[Any]:
    for _, _, point in _points(received):
        yield from point.exemplars


def _metrics(received: Sequence[Received[WireMetric]], lookup: Lookup) -> Mapping[SeriesKey, Reading]:
    """Read the last point of each series."""
    found = {}
    for one, data, point in _points(received):
        tags = {name: str(value) for name, value in attributes_of(point.attributes).items()}
        key = lookup.find(one.name, tags)
        found[key] = _reading(key, data, point, lookup)
    return found


def _reading(key: SeriesKey, data: str, point: Any, lookup: Lookup) -> Reading:
    metric = lookup.metric(key)
    kind = metric.kind if metric is not None and _DATA[metric.kind] == data else data
    if data == "histogram":
        return Reading(kind=kind, value=point.sum, count=point.count, buckets=tuple(point.bucket_counts))
    return Reading(kind=kind, value=float(getattr(point, point.WhichOneof("value"))))
