"""Renders spans as an ``ExportTraceServiceRequest``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from anytel.backend import Attributes, Event, Link, SpanContext, SpanRecord
from anytel.backend import Status as State
from anytel_otlp.common import Resources, attributes, scope, span_id, trace_id

__all__ = ["render"]

_SAMPLED, _REMOTE_IS_KNOWN, _REMOTE = 0x1, 0x100, 0x200
"""Bits of a span's flags: the W3C sampled flag, and of the parent whether it is in another process."""
_KINDS = {
    "internal": Span.SPAN_KIND_INTERNAL,
    "server": Span.SPAN_KIND_SERVER,
    "client": Span.SPAN_KIND_CLIENT,
    "producer": Span.SPAN_KIND_PRODUCER,
    "consumer": Span.SPAN_KIND_CONSUMER,
}
_CODES: Mapping[State, Status.StatusCode.ValueType] = {
    "unset": Status.STATUS_CODE_UNSET,
    "ok": Status.STATUS_CODE_OK,
    "error": Status.STATUS_CODE_ERROR,
}
_KNUTH, _MASK = 1111111111111111111, 2**64 - 1


def render(batch: Sequence[SpanRecord], resources: Resources) -> ExportTraceServiceRequest:
    """Render spans, those of one service and scope together, in their order."""
    request = ExportTraceServiceRequest()
    services: dict[str, ResourceSpans] = {}
    scopes: dict[tuple[str, str], ScopeSpans] = {}
    for record in batch:
        place = record.service, record.scope
        if place not in scopes:
            if record.service not in services:
                services[record.service] = request.resource_spans.add(resource=resources.of(record.service))
            scopes[place] = services[record.service].scope_spans.add(scope=scope(record.scope))
        _add(record, scopes[place])
    return request


def _add(record: SpanRecord, to: ScopeSpans) -> None:
    # In place: a message that is put into another one is copied.
    context, dropped = record.context, record.dropped
    to.spans.add(
        trace_id=trace_id(context.trace_id),
        span_id=span_id(context.span_id),
        parent_span_id=span_id(record.parent_id) if record.parent_id else b"",
        trace_state=_trace_state(context),
        flags=_SAMPLED * context.sampled | _REMOTE_IS_KNOWN | _REMOTE * record.remote_parent,
        name=record.name,
        kind=_KINDS[record.kind],
        start_time_unix_nano=record.start_ns,
        end_time_unix_nano=record.end_ns,
        attributes=attributes(record.attributes.items()),
        events=list(_events(record)),
        links=[_link(link) for link in record.links],
        status=Status(code=_CODES[record.status], message=record.status_message),
        dropped_attributes_count=dropped.get("attributes", 0),
        dropped_events_count=dropped.get("events", 0),
        dropped_links_count=dropped.get("links", 0),
    )


def _events(record: SpanRecord) -> Iterator[Span.Event]:
    """Give the events and, unless it is among them, the exception that failed the span."""
    for event in record.events:
        yield _event(*event)
    exception = record.exception
    if exception is not None and not any(_tells(event, exception.message) for event in record.events):
        yield _event("exception", record.end_ns, exception.attributes())


def _event(name: str, time_ns: int, more: Attributes) -> Span.Event:
    return Span.Event(name=name, time_unix_nano=time_ns, attributes=attributes(more.items()))


def _tells(event: Event, message: str) -> bool:
    return event.name == "exception" and event.attributes.get("exception.message") == message


def _link(link: Link) -> Span.Link:
    context = link.context
    return Span.Link(
        trace_id=trace_id(context.trace_id),
        span_id=span_id(context.span_id),
        trace_state=context.tracestate,
        flags=_SAMPLED * context.sampled,
        attributes=attributes(link.attributes.items()),
    )


def _trace_state(context: SpanContext) -> str:
    """Give the tracestate, with the probability of a decision made here, so that what is stored can be extrapolated.

    Format: https://opentelemetry.io/docs/specs/otel/trace/tracestate-handling/. A trace is kept where its randomness
    ``rv`` reaches the threshold ``th``; our decision hashes the trace id instead of reading it, hence the ``rv``.
    """
    rate, state = context.sample_rate, context.tracestate
    if rate is None or not 0 < rate < 1 or "ot=" in state:
        return state
    threshold = f"{round((1 - rate) * 2**56):014x}".rstrip("0") or "0"
    randomness = 2**56 - 1 - (((context.trace_id & _MASK) * _KNUTH & _MASK) >> 8)
    own = f"ot=th:{threshold};rv:{randomness:014x}"
    return f"{own},{state}" if state else own
