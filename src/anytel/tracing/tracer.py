"""Starting spans: whose child it is, which trace it belongs to, and whether that trace is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from time import perf_counter_ns

from anytel import misuse
from anytel.attributes import MAX_ATTRIBUTES, Value, flatten, text
from anytel.backend import Link, SpanContext, SpanKind
from anytel.tracing.context import RemoteContext, bound, current, incoming
from anytel.tracing.ids import getrandbits, keep
from anytel.tracing.record import NOOP, NoopSpan, Span, Unrecorded
from anytel.tracing.trace import Sink, Trace

__all__ = ["MAX_LINKS", "OFF", "NoopTracer", "Parent", "Tracer"]

MAX_LINKS = 128
KINDS: frozenset[SpanKind] = frozenset({"internal", "server", "client", "producer", "consumer"})

Parent = NoopSpan | RemoteContext
_NONE: dict[str, Value] = {}
_TEXT: frozenset[type] = frozenset({str})
_PARENTS: frozenset[type] = frozenset({NoopSpan, RemoteContext, type(None)})


class NoopTracer:
    """Starts nothing: in force while nothing is configured."""

    live: Mapping[int, Trace] = {}

    def start(
        self,
        name: str,
        kind: SpanKind = "internal",
        attributes: Mapping[str, object] | None = None,
        links: Iterable[object] = (),
        parent: Parent | None = None,
        start_time: float | datetime | None = None,
    ) -> NoopSpan:
        """Start a span; see `anytel.span`."""
        return NOOP

    def passed_on(self, remote: RemoteContext) -> SpanContext | None:
        """Give what is sent on of *remote*, the current parent, where no span has begun below it."""
        return remote.context

    def forget(self) -> None:
        """Forget the open traces: in a forked child they are the parent's."""


OFF = NoopTracer()


class Tracer(NoopTracer):
    """Starts spans that go to *sink*, keeping traces with the probability *sample_rate*.

    *sink* is a function, asked at each hand-over, so that a span which outlives a `configure` goes to the new one.
    """

    live: dict[int, Trace] = {}  # noqa: RUF012 -- of the process: a trace outlives the tracer that has begun it

    def __init__(self, sample_rate: float, sink: Callable[[], Sink]) -> None:
        self.sample_rate = sample_rate
        self.sink = sink

    def start(  # noqa: D102 -- inherited
        self,
        name: str,
        kind: SpanKind = "internal",
        attributes: Mapping[str, object] | None = None,
        links: Iterable[object] = (),
        parent: Parent | None = None,
        start_time: float | datetime | None = None,
    ) -> NoopSpan:
        above = current.get() if parent is None else parent
        if type(above) is Span:
            trace = above._trace
            if not trace.sampled:
                return trace.unrecorded
            local = above
        elif type(above) is Unrecorded:
            return above
        elif type(above) in _PARENTS:
            local = None
            trace = self._trace(incoming.get() if above is None else above if type(above) is RemoteContext else None)
        elif isinstance(above, Span):  # one that takes part in a vendor's trace (`anytel.tracing.joined`)
            trace = above._trace
            if not trace.sampled:
                return trace.unrecorded
            local = above
        else:
            misuse.refuse("parent", f"parent={misuse.shown(above)}: a span, or what extract() gave", None)
            return self.start(name, kind, attributes, links, None, start_time)
        own = _attributes(attributes) if attributes is not None else _NONE
        span = Span(
            name if type(name) is str else text(name),
            kind if type(kind) in _TEXT and kind in KINDS else _kind(kind),
            own if len(own) <= MAX_ATTRIBUTES else _NONE,
            (),
            local,
            trace,
            getrandbits(64) or 1,
            bound.get(),
        )
        if local is None:
            trace.root = span
        elif trace.closed:  # begun after the root has ended
            trace.live[id(trace)] = trace
        if len(own) > MAX_ATTRIBUTES:
            span.set(own)
        if type(links) is not tuple or links:
            span._links = _links(links, span)
        if start_time is not None:
            span._start = _clock(trace, start_time)
        return span

    def passed_on(self, remote: RemoteContext) -> SpanContext | None:
        """Give *remote* with a decision: the one that a span would take here, if there is none yet."""
        context = remote.context
        if context is None or remote.decided:
            return context
        return replace(context, sampled=keep(context.trace_id, self.sample_rate), sample_rate=self.sample_rate)

    def forget(self) -> None:  # noqa: D102 -- inherited
        self.live.clear()

    def _trace(self, remote: RemoteContext | None) -> Trace:
        """Begin a local trace, below *remote* or on its own."""
        parent = remote.context if remote is not None else None
        if parent is None:
            trace_id = getrandbits(128) or 1
            return Trace(trace_id, None, keep(trace_id, self.sample_rate), self.sample_rate, self.sink, self.live)
        if remote is not None and remote.decided:
            return Trace(parent.trace_id, parent, parent.sampled, None, self.sink, self.live)
        sampled = keep(parent.trace_id, self.sample_rate)
        return Trace(parent.trace_id, parent, sampled, self.sample_rate, self.sink, self.live)


def _attributes(attributes: Mapping[str, object]) -> dict[str, Value]:
    try:
        return flatten(attributes)
    except Exception as exc:
        problem = f"attributes={type(attributes).__name__}: not a mapping ({misuse.shown(exc)})"
        return misuse.refuse("attributes", problem, {})


def _kind(kind: object) -> SpanKind:
    return misuse.refuse("kind", f"kind={misuse.shown(kind)}: one of {sorted(KINDS)}", "internal")


def _clock(trace: Trace, moment: float | datetime) -> int:
    try:
        return trace.clock(moment)
    except Exception as exc:
        problem = f"start_time={misuse.shown(moment)}: {misuse.shown(exc)}"
        return misuse.refuse("time", problem, perf_counter_ns())


def _links(links: Iterable[object], span: Span) -> tuple[Link, ...]:
    try:
        rest = iter(links)
        made = [_link(link) for link in islice(rest, MAX_LINKS)]
        over = sum(1 for _ in islice(rest, MAX_LINKS * 10))
    except Exception as exc:
        problem = f"links={misuse.shown(links)}: an iterable of spans or contexts ({misuse.shown(exc)})"
        return misuse.refuse("links", problem, ())
    if over:
        span.over("links", over)
    return tuple(link for link in made if link is not None)


def _link(link: object) -> Link | None:
    """Take a span, an extracted context, a `SpanContext`, or a pair of one of these with attributes."""
    attributes: Mapping[str, object] = {}
    if isinstance(link, tuple):  # a `Link` is such a pair too
        link, attributes = link
    context = link if isinstance(link, SpanContext) else getattr(link, "context", None)
    if isinstance(context, SpanContext) and 0 < context.trace_id < 2**128 and 0 < context.span_id < 2**64:
        return Link(context, flatten(attributes))
    if isinstance(link, NoopSpan | RemoteContext):
        return None  # not recording, or nothing was extracted: nothing to link to
    return misuse.refuse("links", f"a link is a span or a context, not {type(link).__name__}", None)
