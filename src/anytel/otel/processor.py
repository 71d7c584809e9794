"""For an application that has set an OpenTelemetry SDK: processors by which its records reach our backends too."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from opentelemetry import context as api
from opentelemetry.context.context import Context
from opentelemetry.trace import StatusCode
from opentelemetry.trace.propagation import _SPAN_KEY

from anytel import misuse, runtime
from anytel.attributes import flatten
from anytel.backend import ExceptionRecord, Link
from anytel.otel.logger import Logger
from anytel.otel.span import KINDS, adopted, ours, place
from anytel.tracing import record
from anytel.tracing.context import RemoteContext, bound
from anytel.tracing.trace import Trace
from anytel.tracing.tracer import MAX_LINKS, Tracer

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadWriteLogRecord
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace import Span as SdkSpan

__all__ = ["LogRecordProcessor", "SpanProcessor"]


class _Flushing:
    """What is the same for all processors. Telemetry goes on until `anytel.shutdown`."""

    made: ClassVar[bool] = False

    def __init__(self) -> None:
        type(self).made = True

    def shutdown(self) -> None:
        """Deliver everything."""
        runtime.flush()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver everything; see `anytel.flush`."""
        return runtime.flush(timeout_millis / 1e3)


class SpanProcessor(_Flushing):
    """Records the spans of an SDK, with the ids and the decision that it has given them.

    ``provider.add_span_processor(anytel.otel.SpanProcessor())``. Spans of anytel and of the SDK nest in one another.
    """

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Begin the record."""
        tracer, context = runtime.active.tracer, ours(span.get_span_context())
        if not isinstance(tracer, Tracer) or context is None:
            return
        try:
            local, remote = place((parent_context if parent_context is not None else api.get_current()).get(_SPAN_KEY))
            if local is not None and local._trace.id != context.trace_id:  # the SDK has begun a trace of its own
                local = remote = None
            trace = local._trace if local is not None else self._trace(tracer, span, remote)
            if local is not None and not trace.sampled:
                return
            kind = KINDS.get(span.kind, "internal")
            made = record.Span(span.name, kind, {}, (), local, trace, context.span_id, bound.get())
            if local is None:
                trace.root = made
            elif trace.closed:
                trace.live[id(trace)] = trace
            adopted[context.span_id] = made
        except Exception:  # the application's own telemetry goes on
            misuse.count("otel")

    def _trace(self, tracer: Tracer, span: SdkSpan, remote: RemoteContext | None) -> Trace:
        context = ours(span.get_span_context())
        assert context is not None  # noqa: S101 -- the caller has checked
        above = remote.context if remote is not None else None
        return Trace(context.trace_id, above, context.sampled, None, tracer.sink, tracer.live)

    def _on_ending(self, span: SdkSpan) -> None:
        """Do nothing while the span can still be changed."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take over what the span has become."""
        context = span.get_span_context()
        made = adopted.pop(context.span_id, None) if context is not None else None
        if made is None or not made.recording:
            return
        try:
            self._fill(made, span)
        except Exception:  # as above: the span ends with what could be taken over
            misuse.count("otel")
        made.end(span.end_time)

    def _fill(self, made: record.Span, span: ReadableSpan) -> None:
        if span.start_time is not None:
            made._start = made._trace.clock(span.start_time)
        made.name = span.name
        made.scope = span.instrumentation_scope.name if span.instrumentation_scope is not None else ""
        made.set(span.attributes or {})
        for event in span.events:
            made.event(event.name, event.attributes, time=event.timestamp)
        links = [(ours(link.context), link.attributes) for link in span.links[:MAX_LINKS]]
        made._links = tuple(Link(linked, flatten(more or {})) for linked, more in links if linked is not None)
        if span.status.status_code is StatusCode.ERROR:
            made.fail(span.status.description or "")
            made._exception = _recorded(made)
        elif span.status.status_code is StatusCode.OK:
            made._status = "ok"


class LogRecordProcessor(_Flushing):
    """Logs the records of an SDK as events of ours, each of them once.

    ``provider.add_log_record_processor(anytel.otel.LogRecordProcessor())``
    """

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Log the record."""
        scope = log_record.instrumentation_scope
        Logger(scope.name if scope is not None else "").emit(log_record.log_record)


def _recorded(span: record.Span) -> ExceptionRecord | None:
    """Give the exception that was recorded last, of which the SDK keeps the texts."""
    for name, _, values in reversed(span._events or ()):
        if name == "exception" and "exception.type" in values:
            module, _, kind = str(values["exception.type"]).rpartition(".")
            return ExceptionRecord(kind, module, str(values.get("exception.message", "")), ())
    return None
