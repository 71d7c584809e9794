"""The span: the object that the user holds, and the record that the backends will see.

A span is pure recording. It takes its ids when it is made, becomes current while it is entered, and when it ends goes
to its local trace, which hands finished spans over (see `anytel.tracing.trace`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Token
from datetime import datetime
from time import perf_counter_ns
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from anytel import misuse
from anytel.attributes import MAX_ATTRIBUTES, Value, flatten, text
from anytel.backend import ExceptionRecord, Link, SpanContext, SpanKind, Status
from anytel.tracing import exceptions
from anytel.tracing.context import current
from anytel.tracing.ids import span_hex, trace_hex

if TYPE_CHECKING:
    from anytel.tracing.trace import Trace

__all__ = ["MAX_EVENTS", "NOOP", "NoopSpan", "Span", "Unrecorded"]

MAX_EVENTS = 128
_NO_ATTRIBUTES: dict[str, Value] = {}


class NoopSpan:
    """A span that records nothing: what `anytel.span` gives while nothing is configured."""

    __slots__ = ()
    name = ""
    native: object = None
    trace_id = "0" * 32
    """32 lower-case hex digits."""
    span_id = "0" * 16
    """16 lower-case hex digits."""
    sampled = False
    """Whether the trace is kept."""

    @property
    def recording(self) -> bool:
        """Whether what is set on this span goes anywhere."""
        return False

    def set(self, attributes: Mapping[str, object] | None = None, /, **more: object) -> Self:
        """Set attributes; None values are ignored, nested mappings become dotted names. Returns the span."""
        return self

    def event(
        self, name: str, attributes: Mapping[str, object] | None = None, /, *, time: float | datetime | None = None
    ) -> Self:
        """Add something that happened now, or at *time* (as `anytel.span`'s *start_time*). Returns the span."""
        return self

    def fail(self, reason: str | BaseException = "", /) -> Self:
        """Mark the span as failed, with or without an exception. Returns the span."""
        return self

    def end(self, end_time: float | datetime | None = None) -> None:
        """End the span, now or at *end_time*. A second call is ignored."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        return None


NOOP = NoopSpan()


class Unrecorded(NoopSpan):
    """Every span but the root of a trace that is not sampled, in one object; it has the root's ids."""

    __slots__ = ("_trace",)

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    @property
    def trace_id(self) -> str:  # type: ignore[override]  # a constant there, computed here
        """The trace's id."""
        return trace_hex(self._trace.id)

    @property
    def span_id(self) -> str:  # type: ignore[override]  # as above
        """The local root's id."""
        return self._trace.root.span_id


class Span(NoopSpan):
    """A span that is being recorded. Made by `anytel.span` and `anytel.start_span`, never directly."""

    __slots__ = (
        "_attributes", "_bound", "_dropped", "_end", "_events", "_exception", "_id", "_ids", "_links", "_message",
        "_parent", "_start", "_status", "_token", "_trace", "kind", "name", "scope",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        kind: SpanKind,
        attributes: dict[str, Value],
        links: tuple[Link, ...],
        parent: Span | None,
        trace: Trace,
        span_id: int,
        bound: Mapping[str, Value],
    ) -> None:
        self.name = name
        self.kind = kind
        self.scope = ""
        self._attributes = attributes
        self._bound = bound
        self._links = links
        self._parent = parent
        self._trace = trace
        self._id = span_id
        self._ids: dict[str, str] | None = None  # as log lines show them, once one has
        self._end = 0
        self._events: list[tuple[str, int, dict[str, Value]]] | None = None
        self._exception: ExceptionRecord | None = None
        self._status: Status = "unset"
        self._message = ""
        self._dropped: dict[str, int] | None = None
        self._token: Token[Span | None] | None = None
        self._start = perf_counter_ns()
        trace.open[span_id] = self  # last: from here on a shutdown or a fork may find the span

    @property
    def trace_id(self) -> str:  # type: ignore[override]  # a constant there, computed here
        """32 lower-case hex digits."""
        return trace_hex(self._trace.id)

    @property
    def span_id(self) -> str:  # type: ignore[override]  # as above
        """16 lower-case hex digits."""
        return span_hex(self._id)

    @property
    def sampled(self) -> bool:  # type: ignore[override]  # as above
        """Whether the trace is kept."""
        return self._trace.sampled

    @property
    def recording(self) -> bool:
        """Whether what is set on this span goes anywhere."""
        return not self._end

    @property
    def context(self) -> SpanContext:
        """The ids and the decision, as backends see them."""
        trace = self._trace
        return SpanContext(
            trace.id, self._id, trace.sampled, trace.sample_rate, trace.tracestate, trace.dynamic_sampling
        )

    def set(self, attributes: Mapping[str, object] | None = None, /, **more: object) -> Self:  # noqa: D102 -- inherited
        if self._end:
            return self._ended("set()")
        try:
            new = flatten({**attributes, **more} if attributes is not None else more)
        except Exception as exc:
            return misuse.refuse("attributes", f"span.set() takes a mapping: {misuse.shown(exc)}", self)
        own = self._attributes
        if len(own) + len(new) > MAX_ATTRIBUTES:
            new = self._fitting(new)
        # A new mapping each time: the one that was given at the start may be read by the dispatcher meanwhile.
        self._attributes = {**own, **new} if own else new
        return self

    def event(  # noqa: D102 -- inherited
        self, name: str, attributes: Mapping[str, object] | None = None, /, *, time: float | datetime | None = None
    ) -> Self:
        if self._end:
            return self._ended("event()")
        try:
            at = perf_counter_ns() if time is None else self._trace.clock(time)
            added = (
                name if type(name) is str else text(name),
                at,
                flatten(attributes) if attributes is not None else _NO_ATTRIBUTES,
            )
        except Exception as exc:
            return misuse.refuse("event", f"span.event() takes a name and a mapping: {misuse.shown(exc)}", self)
        events = self._events
        if events is None:
            self._events = [added]
        elif len(events) < MAX_EVENTS:
            events.append(added)
        else:
            self.over("events", 1)
        return self

    def fail(self, reason: str | BaseException = "", /) -> Self:  # noqa: D102 -- inherited
        if self._end:
            return self._ended("fail()")
        self._status = "error"
        if issubclass(type(reason), BaseException):
            self._exception = exceptions.snapshot(cast("BaseException", reason))
            self._message = self._exception.message
        else:
            self._message = text(reason)
        return self

    def end(self, end_time: float | datetime | None = None) -> None:  # noqa: D102 -- inherited
        now = perf_counter_ns()
        trace = self._trace
        # Taking the span out is atomic: of two calls that race, one ends it.
        if trace.open.pop(self._id, None) is None:
            if self._id not in trace.disowned:
                misuse.refuse("span_ended_twice", f"span {self.name!r} was ended twice", None)
            return
        if end_time is not None:
            now = self._clock(end_time, now)
        self._end = now if now > self._start else self._start  # noqa: FURB136 -- a call less on the hot path
        trace.finished(self)

    def _clock(self, moment: float | datetime, now: int) -> int:
        try:
            ended = self._trace.clock(moment)
        except Exception as exc:
            return misuse.refuse("time", f"end_time={misuse.shown(moment)}: {misuse.shown(exc)}", now)
        if ended >= self._start:
            return ended
        problem = f"end_time={misuse.shown(moment)}: span {self.name!r} began later"
        return misuse.refuse("time", problem, self._start)

    def _ended(self, doing: str) -> Self:
        """Refuse what comes after the end, unless the caller could not know of it."""
        if self._id in self._trace.disowned:
            return self
        return misuse.refuse("span_ended", f"span {self.name!r} has ended: {doing} does nothing", self)

    def _fitting(self, new: dict[str, Value]) -> dict[str, Value]:
        """Give those of *new* for which there is room, or that replace one."""
        own, fitting = self._attributes, dict[str, Value]()
        room = MAX_ATTRIBUTES - len(own)
        for key, value in new.items():
            if key in own or room > 0:
                room -= key not in own
                fitting[key] = value
        self.over("attributes", len(new) - len(fitting))
        return fitting

    def over(self, what: str, count: int) -> None:
        """Count what went over a limit."""
        if self._dropped is None:
            self._dropped = {}
        self._dropped[what] = self._dropped.get(what, 0) + count

    def __enter__(self) -> Self:
        self._token = current.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.leave()
        if exc is not None and isinstance(exc, Exception):
            self.raised(exc)
        self.end()

    def leave(self) -> None:
        """Stop being the current span."""
        try:
            current.reset(self._token)  # type: ignore[arg-type]  # set by __enter__
        except (ValueError, RuntimeError):  # entered in another context, as when a generator is finalised elsewhere
            if current.get() is self:
                current.set(self._parent)

    def raised(self, exc: BaseException) -> None:
        """Note that *exc* left the body: it fails the span, and leaving a local root it is reported, once."""
        if not exceptions.is_error(exc):
            return
        self.fail(exc)
        self.report(exc)

    def report(self, exc: BaseException) -> None:
        """Report *exc*, which nobody handled, where this is the local root: once."""
        known = exceptions.marked(exc)
        if known.context is None:
            known = known._replace(context=self.context)
            exceptions.mark(exc, known)
        if self is self._trace.root and known.error_id is None:
            self._trace.report(exc, known.context or self.context)
