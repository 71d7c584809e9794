"""Traces that a vendor's own tracing takes part in: its spans nest in ours and ours in its, under one id and decision.

Whether it does is asked at each local root, as an SDK may be initialised at any time. Spans of such a trace are
`JoinedSpan`; all others, and so processes without a vendor's tracing, pay nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ParamSpec, Self, TypeAlias, TypeVar

from anytel.backend import Backend, SpanContext, SpanRecord, VendorSpan, VendorTracing
from anytel.pipeline.guard import Guard
from anytel.tracing.context import RemoteContext, current
from anytel.tracing.ids import getrandbits, keep
from anytel.tracing.record import Span
from anytel.tracing.trace import Sink, Trace
from anytel.tracing.tracer import Tracer

__all__ = ["JoinedSpan", "JoiningTracer", "seen_by"]


P = ParamSpec("P")
R = TypeVar("R")


class Joint:
    """One backend's side: asks for the vendor's tracing, and catches what that raises."""

    def __init__(self, backend: Backend) -> None:
        self.name = backend.name
        self._backend = backend
        self._guard = Guard(backend.name)
        self._tracing: VendorTracing | None = None

    def active(self) -> Active | None:
        """Give the vendor's tracing, if it is active in this process now."""
        try:
            tracing = self._backend.tracing()
        except Exception as exc:
            self.failed(exc)
            return None
        return Active(self, tracing) if tracing is not None else None

    def failed(self, exc: Exception) -> None:
        """Report what was raised."""
        self._guard.failed("tracing", exc)


class Active:
    """A vendor's tracing, in one of our traces."""

    __slots__ = ("_joint", "_tracing", "name")

    def __init__(self, joint: Joint, tracing: VendorTracing) -> None:
        self.name, self._joint, self._tracing = joint.name, joint, tracing

    def current(self) -> VendorSpan | None:
        """See `VendorTracing.current`, as for the following."""
        try:
            return self._tracing.current()
        except Exception as exc:
            self._joint.failed(exc)
            return None

    def enter(self, span: JoinedSpan) -> object:
        try:
            root = span._trace.root
            return self._tracing.enter(span.context, root.context, root.name)
        except Exception as exc:
            self._joint.failed(exc)
            return None

    def leave(self, token: object) -> None:
        try:
            self._tracing.leave(token)
        except Exception as exc:
            self._joint.failed(exc)

    def set(self, native: object, attributes: Mapping[str, object]) -> None:
        try:
            self._tracing.set(native, attributes)  # type: ignore[arg-type]  # they come from a span: they are plain
        except Exception as exc:
            self._joint.failed(exc)


Tokens: TypeAlias = Sequence[tuple[Active, object]]


def _hide(tokens: Tokens) -> None:
    for active, token in reversed(tokens):
        active.leave(token)


class JoinedTrace(Trace):
    """The spans of one trace in this process, of which some are a vendor's own."""

    __slots__ = ("actives", "adopts", "natives", "outer", "parents", "tokens")

    actives: Sequence[Active]
    outer: Mapping[str, VendorSpan]
    """By backend: the vendor's own span that the local root begins in."""
    parents: dict[int, dict[str, int]]
    """By span and backend: the vendor's own span that it is a child of there."""
    natives: dict[str, VendorSpan]
    """By backend: the vendor's own server span, which stands for the local root there."""
    tokens: dict[int, Tokens]
    adopts: bool
    """Whether a vendor's own server span may stand for ours."""

    def begun(self, span: Span) -> None:
        """Let *span*, which has just begun in this trace, take part; note the vendors' own spans that it begins in."""
        # The object changes over, so that `Tracer.start` makes one kind of span and asks nothing.
        span.__class__ = JoinedSpan
        if span._parent is not None and span._parent is not current.get():
            return  # a parent that was given: what is current here is not between the two
        for active in self.actives:
            theirs = self.outer.get(active.name) if span._parent is None else active.current()
            if theirs is None or theirs.context.trace_id != self.id:
                continue
            if span._parent is None and self.adopts and theirs.server and span.kind == "server":
                self.natives[active.name] = theirs
            else:
                self.parents.setdefault(span._id, {})[active.name] = theirs.context.span_id


class _Open(dict[int, Span]):
    """The open spans of a joined trace, which hears of each when it begins."""

    __slots__ = ("_begun",)

    def __init__(self, begun: Callable[[Span], None]) -> None:
        super().__init__()
        self._begun = begun

    def __setitem__(self, span_id: int, span: Span) -> None:
        super().__setitem__(span_id, span)
        self._begun(span)


class JoinedSpan(Span):
    """A span that vendors' own spans nest in."""

    __slots__ = ()
    _trace: JoinedTrace

    @property
    def native(self) -> object:  # type: ignore[override]  # a constant there
        """The vendor's own span that stands for this one, if there is one."""
        natives = self._trace.natives
        return next((one.native for one in natives.values()), None) if self is self._trace.root else None

    def __enter__(self) -> Self:
        super().__enter__()
        tokens = self._show()
        if tokens:
            self._trace.tokens[self._id] = tokens
        return self

    def leave(self) -> None:
        """Stop being the current span, for the vendors too."""
        _hide(self._trace.tokens.pop(self._id, ()))
        super().leave()

    def resumed(self, function: Callable[P, R]) -> Callable[P, R]:
        """Give *function* so that the vendors see this span, which is current there, on a thread of its own."""

        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            tokens = self._show()
            try:
                return function(*args, **kwargs)
            finally:
                _hide(tokens)

        return run

    def _show(self) -> Tokens:
        return [(active, token) for active in self._trace.actives if (token := active.enter(self)) is not None]

    def set(self, attributes: Mapping[str, object] | None = None, /, **more: object) -> Self:  # noqa: D102 -- inherited
        before = self._attributes
        super().set(attributes, **more)
        trace = self._trace
        if trace.natives and self is trace.root and self._attributes is not before:
            new = {name: value for name, value in self._attributes.items() if before.get(name) is not value}
            for active in trace.actives:
                if active.name in trace.natives:
                    active.set(trace.natives[active.name].native, new)
        return self


class JoiningTracer(Tracer):
    """A tracer for backends that know their vendors' own tracing."""

    def __init__(
        self, sample_rate: float, sink: Callable[[], Sink], backends: Sequence[Backend], *, adopts: bool
    ) -> None:
        super().__init__(sample_rate, sink)
        self._adopts = adopts
        self._joints = [Joint(backend) for backend in backends]
        self._asked = [backend.tracing for backend in backends]

    def _trace(self, remote: RemoteContext | None) -> Trace:
        # Every local root comes by here, and mostly no vendor traces: that is found out without a call in between.
        joined = False
        try:
            for ask in self._asked:
                if ask() is not None:
                    joined = True
                    break
        except Exception:
            joined = True  # asked again, and reported, by the backend's own `Joint`
        return self._with_vendors(remote) if joined else Tracer._trace(self, remote)

    def _with_vendors(self, remote: RemoteContext | None) -> Trace:
        actives = [active for joint in self._joints if (active := joint.active()) is not None]
        if not actives:
            return super()._trace(remote)
        outer: dict[str, VendorSpan] = {}
        if remote is None or remote.context is not None:
            outer = {active.name: theirs for active in actives if (theirs := active.current()) is not None}
        first = next(iter(outer.values()), None) if remote is None else None
        trace = self._joined(remote, first.context if first is not None else None)
        trace.actives, trace.outer, trace.adopts = actives, outer, self._adopts
        trace.parents, trace.natives, trace.tokens = {}, {}, {}
        trace.open = _Open(trace.begun)
        return trace

    def _joined(self, remote: RemoteContext | None, theirs: SpanContext | None) -> JoinedTrace:
        """Begin a local trace: with the vendor's id and decision, where one of its spans is around."""
        if theirs is not None:
            return JoinedTrace(theirs.trace_id, None, theirs.sampled, theirs.sample_rate, self.sink, self.live)
        parent = remote.context if remote is not None else None
        trace_id = parent.trace_id if parent is not None else getrandbits(128) or 1
        if parent is not None and remote is not None and remote.decided:
            return JoinedTrace(trace_id, parent, parent.sampled, None, self.sink, self.live)
        return JoinedTrace(trace_id, parent, keep(trace_id, self.sample_rate), self.sample_rate, self.sink, self.live)


def seen_by(name: str, spans: Sequence[tuple[Span, SpanRecord]]) -> tuple[list[SpanRecord], int]:
    """Give what the backend *name* is sent of *spans*, below its vendor's own where they are, and how many it is not.

    Those are spans for which the vendor's own stand.
    """
    seen, handed = [], 0
    for span, record in spans:
        view = _view(name, span, record) if isinstance(span, JoinedSpan) else record
        if view is None:
            handed += 1
        else:
            seen.append(view)
    return seen, handed


def _view(name: str, span: JoinedSpan, record: SpanRecord) -> SpanRecord | None:
    trace, above = span._trace, span._parent
    native = trace.natives.get(name)
    if native is not None:
        if span is trace.root:
            return None
        record = replace(record, root_id=native.context.span_id)
    parent = trace.parents.get(span._id, {}).get(name)
    if parent is None and native is not None and above is trace.root:
        parent = native.context.span_id
    return record if parent is None else replace(record, parent_id=parent)
