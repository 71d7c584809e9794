"""A loopback OTLP/HTTP receiver: takes spans, metrics and logs as protobuf or JSON and decodes them.

Protocol: https://opentelemetry.io/docs/specs/otlp/. It is stricter than a collector: what breaks the protocol is kept
in `malformed`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from anytel.testing.receivers.http import Answer, HttpReceiver, Request

__all__ = ["OtlpReceiver", "Received", "Value", "attributes_of", "value_of"]

T = TypeVar("T", Span, Metric, LogRecord)
Value: TypeAlias = "str | bool | int | float | bytes | list[Value] | dict[str, Value] | None"

PROTOBUF, JSON = "application/x-protobuf", "application/json"
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})
_NO_ANSWER = Answer()


@dataclass(frozen=True, slots=True)
class Received(Generic[T]):
    """A span, metric or log record as it is on the *wire*, with the attributes of its resource and its scope's name."""

    resource: Mapping[str, Value]
    scope: str
    wire: T

    @property
    def service(self) -> str:
        """The resource's ``service.name``."""
        return str(self.resource.get("service.name", ""))

    @property
    def name(self) -> str:
        """The name; of a log record, its event name."""
        return self.wire.event_name if isinstance(self.wire, LogRecord) else str(self.wire.name)

    @property
    def attributes(self) -> dict[str, Value]:
        """The attributes of a span or log record; a metric has none of its own."""
        return {} if isinstance(self.wire, Metric) else attributes_of(self.wire.attributes)

    @property
    def trace_id(self) -> str:
        """32 hex digits, or nothing."""
        return "" if isinstance(self.wire, Metric) else self.wire.trace_id.hex()

    @property
    def span_id(self) -> str:
        """16 hex digits, or nothing."""
        return "" if isinstance(self.wire, Metric) else self.wire.span_id.hex()

    @property
    def parent_span_id(self) -> str:
        """16 hex digits, or nothing for a root and for what is no span."""
        return self.wire.parent_span_id.hex() if isinstance(self.wire, Span) else ""

    @property
    def body(self) -> Value:
        """The body of a log record."""
        return value_of(self.wire.body) if isinstance(self.wire, LogRecord) else None


class OtlpReceiver(HttpReceiver):
    """A collector's HTTP port on a random loopback port (`url`, without the signals' paths).

    *spans*, *metrics* and *logs* are those received, in order. *malformed* says what was wrong with a request, which
    then adds nothing and is answered with 400. An `answer` that is an error is given without looking at the request.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[Received[Span]] = []
        self.metrics: list[Received[Metric]] = []
        self.logs: list[Received[LogRecord]] = []
        self.malformed: list[str] = []
        self._take_signal: Mapping[str, Callable[[Request], None]] = {
            "/v1/traces": self._traces,
            "/v1/metrics": self._metrics,
            "/v1/logs": self._logs,
        }

    def received(self, request: Request) -> Answer | None:
        """Decode a request, unless it is to be answered with an error."""
        take = self._take_signal.get(request.path)
        if take is None:
            return Answer(404)
        if self.answer.status >= 300:
            return None
        try:
            _check_headers(request)
            take(request)
        except (ValueError, DecodeError, json_format.ParseError) as error:
            self.malformed.append(f"{request.method} {request.path}: {error}")
            return Answer(400)
        if self.answer.body != _NO_ANSWER.body:
            return None
        kind = _content_type(request)
        return Answer(body=b"{}" if kind == JSON else b"", headers={"Content-Type": kind}, delay=self.answer.delay)

    def clear(self) -> None:
        """Forget everything received so far."""
        super().clear()
        with self._changed:
            for items in (self.spans, self.metrics, self.logs, self.malformed):
                items.clear()

    def _traces(self, request: Request) -> None:
        message = _decoded(request, ExportTraceServiceRequest())
        found = [
            Received(attributes_of(of.resource.attributes), scope.scope.name, _checked_span(span))
            for of in message.resource_spans
            for scope in of.scope_spans
            for span in scope.spans
        ]
        self.spans.extend(found)

    def _metrics(self, request: Request) -> None:
        message = _decoded(request, ExportMetricsServiceRequest())
        found = [
            Received(attributes_of(of.resource.attributes), scope.scope.name, _checked_metric(metric))
            for of in message.resource_metrics
            for scope in of.scope_metrics
            for metric in scope.metrics
        ]
        self.metrics.extend(found)

    def _logs(self, request: Request) -> None:
        message = _decoded(request, ExportLogsServiceRequest())
        found = [
            Received(attributes_of(of.resource.attributes), scope.scope.name, _checked_log(log))
            for of in message.resource_logs
            for scope in of.scope_logs
            for log in scope.log_records
        ]
        self.logs.extend(found)


def value_of(value: AnyValue) -> Value:
    """Give a value as Python has it: arrays are lists, key-value lists dictionaries, and an empty one None."""
    kind = value.WhichOneof("value")
    match kind:
        case None:
            return None
        case "array_value":
            return [value_of(one) for one in value.array_value.values]
        case "kvlist_value":
            return attributes_of(value.kvlist_value.values)
        case _:
            plain: str | bool | int | float | bytes = getattr(value, kind)
            return plain


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    """Give attributes as a dictionary.

    Raises:
        ValueError: a key is empty, or there twice.
    """
    found: dict[str, Value] = {}
    for pair in pairs:
        if not pair.key or pair.key in found:
            raise ValueError(f"the attribute key {pair.key!r} is empty or there twice")
        found[pair.key] = value_of(pair.value)
    return found


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip()


def _check_headers(request: Request) -> None:
    if request.method != "POST":
        raise ValueError("not a POST")
    if _content_type(request) not in (PROTOBUF, JSON):
        raise ValueError(f"content type {request.headers.get('content-type')!r}")


def _decoded(request: Request, message: Any) -> Any:
    """Parse a request into the empty *message*."""
    if _content_type(request) == PROTOBUF:
        message.ParseFromString(request.body)
        return message
    body = json.loads(request.body)
    if not isinstance(body, dict):
        raise ValueError(f"not an object: {request.body[:100]!r}")  # noqa: TRY004 -- of the request, as every problem
    # OTLP's JSON has ids in hex, where protobuf's own has base64.
    return json_format.ParseDict(_with_base64(body), message, ignore_unknown_fields=True)


def _with_base64(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: base64.b64encode(bytes.fromhex(one)).decode() if key in _IDS else _with_base64(one)
            for key, one in value.items()
        }
    return [_with_base64(one) for one in value] if isinstance(value, list) else value


def _checked_ids(trace_id: bytes, span_id: bytes) -> None:
    if len(trace_id) != 16 or len(span_id) != 8 or not any(trace_id) or not any(span_id):
        raise ValueError(f"these are no ids: {trace_id.hex()!r}, {span_id.hex()!r}")


def _checked_span(span: Span) -> Span:
    _checked_ids(span.trace_id, span.span_id)
    if len(span.parent_span_id) not in (0, 8) or (span.parent_span_id and not any(span.parent_span_id)):
        raise ValueError(f"span {span.name!r}: the parent is {span.parent_span_id.hex()!r}")
    if not 0 < span.start_time_unix_nano <= span.end_time_unix_nano:
        raise ValueError(f"span {span.name!r}: from {span.start_time_unix_nano} to {span.end_time_unix_nano}")
    for link in span.links:
        _checked_ids(link.trace_id, link.span_id)
        attributes_of(link.attributes)
    for event in span.events:
        attributes_of(event.attributes)
    attributes_of(span.attributes)
    return span


def _checked_log(log: LogRecord) -> LogRecord:
    if log.trace_id or log.span_id:
        _checked_ids(log.trace_id, log.span_id)
    if not log.time_unix_nano and not log.observed_time_unix_nano:
        raise ValueError(f"a log record has no time: {value_of(log.body)!r}")
    attributes_of(log.attributes)
    return log


def _checked_metric(metric: Metric) -> Metric:
    if not metric.name:
        raise ValueError("a metric has no name")
    for problem in _problems(metric):
        raise ValueError(f"metric {metric.name!r}: {problem}")
    return metric


def _problems(metric: Metric) -> Iterator[str]:
    kind = metric.WhichOneof("data")
    if kind is None:
        yield "there is no data"
        return
    data: Any = getattr(metric, kind)
    if kind not in ("gauge", "summary") and not data.aggregation_temporality:
        yield "the temporality is not stated"
    seen = set()
    for point in data.data_points:
        series = tuple(sorted((key, str(value)) for key, value in attributes_of(point.attributes).items()))
        if series in seen:
            yield f"two points of the series {series}"
        seen.add(series)
        if not point.time_unix_nano or point.start_time_unix_nano > point.time_unix_nano:
            yield f"from {point.start_time_unix_nano} to {point.time_unix_nano}"
    if kind == "histogram":
        yield from _bucket_problems(data.data_points)


def _bucket_problems(points: Sequence[Any]) -> Iterator[str]:
    for point in points:
        bounds, counts = list(point.explicit_bounds), list(point.bucket_counts)
        if (bounds or counts) and len(counts) != len(bounds) + 1:
            yield f"{len(counts)} buckets for {len(bounds)} bounds"
        if counts and sum(counts) != point.count:
            yield f"the buckets hold {sum(counts)} values of {point.count}"
        if bounds != sorted(set(bounds)):
            yield f"the bounds do not rise: {bounds}"
