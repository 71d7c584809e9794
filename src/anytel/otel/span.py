"""Our spans as OpenTelemetry's, and the other way round: nothing is copied, the record is ours.

Semantics: https://opentelemetry.io/docs/specs/otel/trace/api/; where that leaves a choice, those of its Python SDK.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from types import MappingProxyType, TracebackType

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes, AttributeValue

from anytel import misuse
from anytel.attributes import Value, flatten, text
from anytel.backend import Link, SpanContext, SpanKind
from anytel.stacktrace import qualified
from anytel.tracing import exceptions, record
from anytel.tracing.context import RemoteContext
from anytel.tracing.trace import Trace
from anytel.tracing.tracer import MAX_LINKS

__all__ = ["KINDS", "Remote", "Span", "Unsampled", "adopted", "mapping", "ours", "place", "theirs"]

KINDS: Mapping[trace.SpanKind, SpanKind] = {
    trace.SpanKind.INTERNAL: "internal",
    trace.SpanKind.SERVER: "server",
    trace.SpanKind.CLIENT: "client",
    trace.SpanKind.PRODUCER: "producer",
    trace.SpanKind.CONSUMER: "consumer",
}
_ROLES = {name: kind for kind, name in KINDS.items()}
_STATUS = {"unset": StatusCode.UNSET, "ok": StatusCode.OK, "error": StatusCode.ERROR}
_FLAGS = {False: TraceFlags(TraceFlags.DEFAULT), True: TraceFlags(TraceFlags.SAMPLED)}

adopted: dict[int, record.Span] = {}
"""Open spans of an SDK that the application has set, as `anytel.otel.SpanProcessor` records them, by span id."""


def theirs(context: SpanContext, *, remote: bool = False) -> trace.SpanContext:
    """Give *context* as OpenTelemetry's."""
    state = TraceState.from_header([context.tracestate]) if context.tracestate else None
    return trace.SpanContext(context.trace_id, context.span_id, remote, _FLAGS[context.sampled], state)


def ours(context: object) -> SpanContext | None:
    """Give OpenTelemetry's *context* as ours; None where it is not valid."""
    if not isinstance(context, trace.SpanContext) or not context.is_valid:
        return None
    return SpanContext(
        context.trace_id, context.span_id, context.trace_flags.sampled, None, context.trace_state.to_header()
    )


class Span(trace.Span):
    """A span of ours as OpenTelemetry's API shows it. What comes after its end is ignored."""

    def __init__(
        self, span: record.Span, *, record_exception: bool = True, set_status_on_exception: bool = True
    ) -> None:
        self.record = span
        self._record_exception = record_exception
        self._set_status_on_exception = set_status_on_exception
        self._context: trace.SpanContext | None = None
        self._raised: BaseException | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and other.record is self.record

    def __hash__(self) -> int:
        return id(self.record)

    def __repr__(self) -> str:
        return f"<anytel span {self.record.name!r} for OpenTelemetry>"

    # What the API asks for.

    def get_span_context(self) -> trace.SpanContext:
        """Give the ids and the decision."""
        if self._context is None:
            self._context = theirs(self.record.context)
        return self._context

    def is_recording(self) -> bool:
        """Say whether the span is open."""
        return self.record.recording

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Set one attribute."""
        if self.record.recording:
            self.record.set({key if type(key) is str else text(key): value})

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set attributes."""
        if self.record.recording:
            self.record.set(attributes)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add something that happened now, or at *timestamp* in nanoseconds since the epoch."""
        if self.record.recording:
            self.record.event(name, attributes, time=timestamp)

    def add_link(self, context: trace.SpanContext, attributes: Attributes = None) -> None:
        """Add a related span."""
        linked, span = ours(context), self.record
        if linked is None or not span.recording:
            return
        if len(span._links) >= MAX_LINKS:
            span.over("links", 1)
        else:
            span._links = (*span._links, Link(linked, flatten(mapping(attributes))))

    def update_name(self, name: str) -> None:
        """Exchange the name."""
        if self.record.recording:
            self.record.name = name if type(name) is str else text(name)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status: *unset* changes nothing, *ok* is final, and only an error has a description."""
        code, said = (status.status_code, status.description) if isinstance(status, Status) else (status, description)
        span = self.record
        if not span.recording or span._status == "ok":
            return
        if code is StatusCode.OK:
            span._status, span._message = "ok", ""
        elif code is StatusCode.ERROR:
            self._failed(text(said) if said is not None else "")

    def _failed(self, description: str) -> None:
        """Fail the span, with the exception that was recorded on it, if there is one."""
        span, raised = self.record, self._raised
        span.fail(description)
        if raised is not None:
            span._exception = exceptions.snapshot(raised)
            known = exceptions.marked(raised)
            if known.context is None:
                exceptions.mark(raised, exceptions.Mark(span.context, known.error_id))

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT002 -- the API's signature
    ) -> None:
        """Add an exception as an event (semantic conventions, *Exceptions*); that alone does not fail the span."""
        if not self.record.recording:
            return
        if not isinstance(exception, BaseException):
            misuse.count("exception")  # type: ignore[unreachable]  # libraries give what they like
            return
        self._raised = exception
        kind = type(exception)
        described: dict[str, object] = {
            "exception.type": qualified(kind.__qualname__, kind.__module__),
            "exception.message": text(exception),
            "exception.stacktrace": _stack(exception),
            "exception.escaped": str(escaped),
        }
        self.record.event("exception", {**described, **mapping(attributes)}, time=timestamp)

    def end(self, end_time: int | None = None) -> None:
        """End the span, now or at *end_time* in nanoseconds since the epoch."""
        span = self.record
        if not span.recording:
            return
        if self._raised is not None and span._status == "error":
            span.report(self._raised)
        self._raised = None
        span.end(end_time)

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """End the span, which ``with`` alone does not make current."""
        if exc is not None:
            self.left_by(exc, record=self._record_exception, fail=self._set_status_on_exception, escaped=True)
        self.end()

    def left_by(self, exc: BaseException, *, record: bool, fail: bool, escaped: bool = False) -> None:
        """Note that *exc* left the body; leaving a local root it is reported, once."""
        if not self.record.recording:
            return
        if record:
            self.record_exception(exc, escaped=escaped)
        if fail and exceptions.is_error(exc):
            self.set_status(StatusCode.ERROR, f"{type(exc).__name__}: {text(exc)}")
        if exceptions.is_error(exc):
            self.record.report(exc)

    # What instrumentations read although the API does not have it; as of the SDK's spans.

    @property
    def name(self) -> str:
        """The name."""
        return self.record.name

    @property
    def kind(self) -> trace.SpanKind:
        """The kind."""
        return _ROLES[self.record.kind]

    @property
    def attributes(self) -> Mapping[str, Value]:
        """The attributes so far."""
        return MappingProxyType(self.record._attributes)

    @property
    def status(self) -> Status:
        """The status so far."""
        code = _STATUS[self.record._status]
        return Status(code, self.record._message or None if code is StatusCode.ERROR else None)

    @property
    def parent(self) -> trace.SpanContext | None:
        """The parent's ids, in this process or another."""
        parent, above = self.record._parent, self.record._trace.remote_parent
        if parent is not None:
            return theirs(parent.context)
        return theirs(above, remote=True) if above is not None else None


class Unsampled(NonRecordingSpan):
    """What stands for every span but the root of a trace that is not sampled; it has the root's ids."""

    def __init__(self, trace_: Trace) -> None:
        super().__init__(theirs(trace_.root.context))
        self.root = trace_.root


class Remote(NonRecordingSpan):
    """A span of another process, as its headers told."""

    def __init__(self, remote: RemoteContext, context: SpanContext) -> None:
        super().__init__(theirs(context, remote=True))
        self.remote = remote


def mapping(attributes: Attributes) -> Mapping[str, AttributeValue]:
    """Give *attributes* if they are a mapping, else none, counted."""
    if attributes is None or isinstance(attributes, Mapping):
        return attributes or {}
    misuse.count("attributes")  # type: ignore[unreachable]  # libraries give what they like
    return {}


def place(span: object) -> tuple[record.Span | None, RemoteContext | None]:
    """Give what a span of OpenTelemetry's is to us: a span of ours, or a parent elsewhere; neither, if not valid."""
    if isinstance(span, Span):
        return span.record, None
    if isinstance(span, Unsampled):
        return span.root, None
    if isinstance(span, Remote):
        return None, span.remote
    if not isinstance(span, trace.Span):
        return None, None
    context = span.get_span_context()
    known = adopted.get(context.span_id)
    if known is not None:
        return known, None
    elsewhere = ours(context)
    return None, RemoteContext(elsewhere, decided=True) if elsewhere is not None else None


def _stack(exc: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(exc))
    except Exception:  # one with a hostile __str__
        return ""
