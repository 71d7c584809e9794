"""What two services have sent, as each vendor has received it, in one form for all vendors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from anytel.testing.receivers.datadog import DatadogAgent, trace_id_of
from anytel.testing.receivers.dogstatsd import DogStatsD
from anytel.testing.receivers.otlp import OtlpReceiver, Received, attributes_of
from anytel.testing.receivers.sentry import ReceivedSpan, SentryReceiver

__all__ = ["METRICS", "NODE", "SPANS", "Series", "Span", "Spans"]

NODE = "skills-web"
"""The name of the Next application at the vendors that name services; at Sentry its SDK tells it apart."""
PREFIX = "skills.fetch"


@dataclass(frozen=True, slots=True)
class Span:
    """One span. Ids are hex digits, *parent_id* is empty for a root, *kind* is empty for an internal span."""

    node: bool
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    failed: bool
    attributes: Mapping[str, object]


class Spans:
    """The spans that one vendor got."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self.all = list(spans)

    def of(self, trace_id: str) -> Spans:
        """Give those of one trace."""
        return Spans(span for span in self.all if span.trace_id == trace_id)

    def servers(self, *, node: bool) -> list[Span]:
        """Give the server spans which the one service made, or the other."""
        return [span for span in self.all if span.kind == "server" and span.node is node]

    def named(self, name: str) -> Span:
        """Give the only one of that *name*."""
        (found,) = (span for span in self.all if span.name == name)
        return found

    def way_up(self, span: Span) -> list[Span]:
        """Give *span*, its parent, the parent of that, and so on, as far as they are here."""
        by_id = {one.span_id: one for one in self.all if one.trace_id == span.trace_id}
        way = [span]
        while (parent := by_id.get(way[-1].parent_id)) is not None:
            way.append(parent)
        return way

    def roots(self) -> list[Span]:
        """Give those whose parent is not here, or that have none."""
        ids = {span.span_id for span in self.all}
        return [span for span in self.all if span.parent_id not in ids]


def _sentry(receiver: SentryReceiver) -> Iterator[Span]:
    return map(_sentry_span, receiver.spans)


def _sentry_span(span: ReceivedSpan) -> Span:
    return Span(
        node=span.attributes["sentry.sdk.name"] == "sentry.javascript.nextjs",
        name=span.name,
        kind={"http.server": "server", "http.client": "client"}.get(span.op or "", ""),
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_span_id or "",
        failed=span.status == "error",
        attributes=span.attributes,
    )


def _datadog(agent: DatadogAgent) -> Iterator[Span]:
    for trace in agent.traces:
        trace_id = f"{trace_id_of(trace):032x}"
        yield from (_datadog_span(span, trace_id) for span in trace)


def _datadog_span(span: Mapping[str, Any], trace_id: str) -> Span:
    return Span(
        node=span["service"] == NODE,
        name=span["resource"],
        kind=span["meta"].get("span.kind", ""),
        trace_id=trace_id,
        span_id=f"{span['span_id']:016x}",
        parent_id=f"{span['parent_id']:016x}" if span["parent_id"] else "",
        failed=span["error"] == 1,
        attributes={**span["meta"], **span["metrics"]},
    )


def _otlp(receiver: OtlpReceiver) -> Iterator[Span]:
    return map(_otlp_span, receiver.spans)


def _otlp_span(span: Received[OtlpSpan]) -> Span:
    kinds = {OtlpSpan.SPAN_KIND_SERVER: "server", OtlpSpan.SPAN_KIND_CLIENT: "client"}
    return Span(
        node=span.service == NODE,
        name=span.name,
        kind=kinds.get(span.wire.kind, ""),
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_span_id,
        failed=span.wire.status.code == Status.STATUS_CODE_ERROR,
        attributes=span.attributes,
    )


SPANS: Mapping[str, Callable[[Any], Iterator[Span]]] = {"sentry": _sentry, "datadog": _datadog, "otlp": _otlp}
"""How to read the spans of each vendor's receiver."""

Series: TypeAlias = Counter[tuple[str, str]]
"""The Next application's metrics by name and outcome: the sum of a count, and of durations how many there were."""


def _sentry_series(receiver: SentryReceiver) -> Series:
    found: Series = Counter()
    for metric in receiver.metrics:
        if metric.name.startswith(PREFIX):
            amount = metric.value if metric.type == "counter" else 1
            found[metric.name, metric.attributes["outcome"]] += int(amount)
    return found


def _datadog_series(receiver: DogStatsD) -> Series:
    found: Series = Counter()
    for metric in receiver.metrics:
        if metric.name.startswith(PREFIX):
            amount = sum(map(float, metric.values)) if metric.kind == "count" else len(metric.values)
            found[metric.name, metric.labels["outcome"]] += int(amount)
    return found


def _otlp_series(receiver: OtlpReceiver) -> Series:
    """Read the last of each series: they are cumulative."""
    found: Series = Counter()
    for metric in receiver.metrics:
        if metric.name.startswith(PREFIX):
            for point in metric.wire.sum.data_points:
                found[metric.name, str(attributes_of(point.attributes)["outcome"])] = int(point.as_double)
            for point in metric.wire.histogram.data_points:
                found[metric.name, str(attributes_of(point.attributes)["outcome"])] = point.count
    return found


METRICS: Mapping[str, Callable[[Any], Series]] = {
    "sentry": _sentry_series,
    "datadog": _datadog_series,
    "otlp": _otlp_series,
}
"""How to read the metrics of each vendor's receiver; Datadog's is that of DogStatsD."""
