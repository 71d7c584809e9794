"""A span for Sentry's scopes that stands for whichever span of ours is current, so that Sentry's own nest in ours.

Integrations make their spans as children of the scope's span, and errors, logs, metrics and outgoing headers take their
ids from it. A stand-in answers each time it is asked. It relies on names that the SDK does not promise; `supported`
says whether they are there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sentry_sdk import traces, tracing
from sentry_sdk.traces import NoOpStreamedSpan, StreamedSpan
from sentry_sdk.tracing_utils import Baggage

from anytel.backend import SpanContext, VendorSpan

__all__ = ["Source", "StandIn", "StreamedStandIn", "UnsampledStandIn", "is_stand_in", "make", "supported"]

_STATIC = ("_span_recorder", "_containing_transaction", "_data", "_tags", "containing_transaction", "start_child")
_STREAMED = ("_segment", "_get_baggage", "_get_trace_context", "_is_segment", "_iter_headers", "_to_traceparent")


class Source:
    """What a stand-in needs to know: our current span, the sampling context of its trace, and where children go."""

    def __init__(
        self,
        current: Callable[[], SpanContext | None],
        native: Callable[[], VendorSpan | None],
        sampling_context: Callable[[SpanContext, str], dict[str, str]],
        annotate: Callable[[dict[str, object]], None],
        finished: Callable[[tracing.Span, StandIn], None],
    ) -> None:
        self.current, self.native, self.sampling_context = current, native, sampling_context
        self.annotate, self.finished = annotate, finished


class _Common:
    """What all three have: the ids of our current span within the trace that the stand-in was made for."""

    __slots__ = ()
    _source: Source
    _own: SpanContext
    _root_name: str
    _fixed: bool

    def _live(self) -> SpanContext:
        if self._fixed:
            return self._own
        standing = self._source.native()
        now = standing.context if standing is not None else self._source.current()
        return now if now is not None and now.trace_id == self._own.trace_id else self._own

    @property
    def trace_id(self) -> str:
        return f"{self._own.trace_id:032x}"

    @property
    def span_id(self) -> str:
        return f"{self._live().span_id:016x}"

    @property
    def sampled(self) -> bool:
        return self._own.sampled

    def get_baggage(self) -> Baggage:
        return Baggage(self._source.sampling_context(self._own, self._root_name), mutable=False)

    _get_baggage = get_baggage

    def get_trace_context(self) -> dict[str, Any]:
        context = self._source.sampling_context(self._own, self._root_name)
        return {"trace_id": self.trace_id, "span_id": self.span_id, "dynamic_sampling_context": context}

    _get_trace_context = get_trace_context

    def set_attribute(self, key: str, value: Any) -> None:
        if not key.startswith("sentry."):  # what the SDK says of its own segments
            self._source.annotate({key: value})

    def set_data(self, key: str, value: Any) -> None:
        self.set_attribute(key, value)

    def set_tag(self, key: str, value: Any) -> None:
        self.set_attribute(key, value)

    def update_active_thread(self) -> None:
        """Say nothing of the thread: integrations would on each request."""


class StandIn(_Common, tracing.Span):  # type: ignore[misc, override]  # properties for what can be written there
    """For the SDK's transactions. It is its own transaction and recorder, so children that end come to us."""

    __slots__ = ("_fixed", "_own", "_root_name", "_source", "source")

    @property
    def containing_transaction(self) -> StandIn:  # type: ignore[override]  # anything like one will do
        """This one, which is asked for its recorder and its baggage."""
        return self

    _containing_transaction = _span_recorder = containing_transaction  # type: ignore[assignment]

    def add(self, child: tracing.Span) -> None:
        """Take a child that has just begun, so that its end is seen."""
        if self.sampled and type(child) is tracing.Span:
            child.__class__ = _Child

    def finish(self, scope: Any = None, end_timestamp: Any = None) -> None:
        """End with our span and not before."""


class _Child(tracing.Span):
    """A span that an integration has made within ours."""

    __slots__ = ()

    def finish(self, scope: Any = None, end_timestamp: Any = None) -> str | None:
        first = self.timestamp is None
        ended = super().finish(scope, end_timestamp)
        home: Any = self.containing_transaction
        if first and self.timestamp is not None and isinstance(home, StandIn):
            home._source.finished(self, home)
        return ended


class StreamedStandIn(_Common, StreamedSpan):
    """For ``trace_lifecycle="stream"``: the SDK sends the children itself, with our ids as parent and segment."""

    __slots__ = ("_fixed", "_own", "_root_name", "_source")

    @property
    def name(self) -> str:
        """The name of the segment."""
        return self._root_name

    @name.setter
    def name(self, name: str) -> None:
        """Leave the name to us."""

    def _is_segment(self) -> bool:
        return False

    def _end(self, end_timestamp: Any = None) -> None:
        """End with our span and not before."""


class UnsampledStandIn(_Common, NoOpStreamedSpan):
    """For streaming, in a trace that is not kept."""

    __slots__ = ("_fixed", "_own", "_root_name", "_source")

    def _end(self, end_timestamp: Any = None) -> None:
        """End with our span and not before."""


def make(source: Source, context: SpanContext, root_name: str, root: SpanContext, *, streamed: bool) -> Any:
    """Make the stand-in for *context* and whatever span of ours is current below it; *root* is the local root."""
    cls: Any = StandIn if not streamed else StreamedStandIn if context.sampled else UnsampledStandIn
    made = _made(cls, source, context, root_name)
    if streamed:  # the segment stays the root, whichever span is current
        made._segment = _made(cls, source, root, root_name, fixed=True)
        made._segment._segment = made._segment
    return made


def _made(cls: Any, source: Source, context: SpanContext, root_name: str, *, fixed: bool = False) -> Any:
    made = object.__new__(cls)  # not by its constructor, which asks for a client and a clock
    made._source, made._own, made._root_name, made._fixed = source, context, root_name, fixed
    if cls is StandIn:
        made.name, made.source, made.timestamp, made.op, made.origin = root_name, "custom", None, None, "manual"
        made._data, made._tags, made.description, made.parent_span_id, made.status = {}, {}, root_name, None, None
        made._flags, made._flags_capacity, made._measurements = {}, 0, {}
    else:
        made._attributes, made._scope, made._active, made._status = {}, None, False, "ok"
        made._parent_span_id = None
        if cls is UnsampledStandIn:
            made._unsampled_reason, made._finished = None, True
        else:
            made._end_timestamp = None
    return made


def is_stand_in(span: object) -> bool:
    """Say whether *span* is one of ours."""
    return isinstance(span, _Common)


def supported() -> bool:
    """Say whether the SDK has the names that stand-ins rely on."""
    return all(hasattr(tracing.Span, name) or name in tracing.Span.__slots__ for name in _STATIC) and all(
        hasattr(traces.StreamedSpan, name) for name in _STREAMED
    )
