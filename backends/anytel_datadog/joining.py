"""ddtrace's own tracing, where the application has loaded it: its spans and ours in one trace.

ddtrace asks its context provider what is current. Ours answers with whichever is innermost, a span of ddtrace's or one
of ours, and builds ddtrace's view of a span of ours only when asked: nothing is done at our spans. All of it is public
(``ddtrace.trace``); ddtrace is never imported here.
"""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from anytel.backend import Attributes, Host, SpanContext, VendorSpan, VendorTracing
from anytel_datadog.conflicts import conflicts

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Tracing", "loaded"]

logger = logging.getLogger("anytel")

_KEEP, _DROP = 2, -1
_MANUAL = {"_dd.p.dm": "-4"}


def loaded() -> ModuleType | None:
    """Give ``ddtrace.trace`` if the application has loaded ddtrace."""
    module = sys.modules.get("ddtrace.trace")
    return module if module is not None and hasattr(module, "tracer") else None


class Active(NamedTuple):
    """What ddtrace has activated: its *native* span or context, in our span *within*, after *before*."""

    native: Any
    within: SpanContext | None
    before: Active | None


class Tracing(VendorTracing):
    """The global tracer of *ddtrace*, with a context provider of ours."""

    def __init__(self, ddtrace: ModuleType, host: Host) -> None:
        self._host, self._tracer = host, ddtrace.tracer
        self._span, self._context = ddtrace.Span, ddtrace.Context
        self._before = self._tracer.context_provider
        self._active: ContextVar[Active | None] = ContextVar("anytel_ddtrace", default=None)
        self._shown: ContextVar[tuple[SpanContext, Any] | None] = ContextVar("anytel_ddtrace_context", default=None)
        self._provider = _provider(ddtrace.BaseContextProvider, self)
        self._tracer.configure(context_provider=self._provider)
        for conflict in conflicts():
            logger.warning("%s", conflict)

    @property
    def installed(self) -> bool:
        """Whether ddtrace still asks us."""
        return self._tracer.context_provider is self._provider

    def close(self) -> None:
        """Give ddtrace its own provider back."""
        if self.installed:
            self._tracer.configure(context_provider=self._before)

    def current(self) -> VendorSpan | None:
        """Give ddtrace's span, or remote context, if it is innermost."""
        native = self._innermost(self._host.current())
        return self._seen(native) if native is not None else None

    def set(self, native: Any, attributes: Attributes) -> None:
        """Set tags on ddtrace's own server span."""
        for name, value in attributes.items():
            native.set_tag(name, value)

    def active(self) -> Any:
        """Answer ddtrace: its own span or context, or one that stands for ours."""
        ours = self._host.current()
        native = self._innermost(ours)
        if native is not None or ours is None:
            return native
        standing = self._host.native()
        return standing.native if standing is not None else self._as_context(ours)

    def activate(self, native: Any) -> None:
        """Note what ddtrace has activated; leaving a span it activates the one before."""
        node = known = self._active.get()
        while known is not None and known.native is not native:
            known = known.before
        if native is None:
            self._active.set(None)
        else:
            self._active.set(known or Active(native, self._host.current(), node))
        if known is None and isinstance(native, self._span):
            self._represent(native)

    def _innermost(self, ours: SpanContext | None) -> Any:
        """Give what ddtrace has activated since our current span became that; None where ours is within it."""
        node = self._active.get()
        while node is not None and getattr(node.native, "finished", False):
            node = node.before
        if node is None:
            return self._before.active() if ours is None else None
        return node.native if ours is None or node.within == ours else None

    def _as_context(self, ours: SpanContext) -> Any:
        shown = self._shown.get()
        if shown is None or shown[0] != ours:
            priority = _KEEP if ours.sampled else _DROP
            context = self._context(
                trace_id=ours.trace_id, span_id=ours.span_id, sampling_priority=priority, meta=dict(_MANUAL)
            )
            shown = (ours, context)
            self._shown.set(shown)
        return shown[1]

    def _seen(self, native: Any) -> VendorSpan | None:
        """Give ddtrace's *native* span or context as ours see it, deciding for it where ddtrace has not yet."""
        is_span = isinstance(native, self._span)
        context = native.context if is_span else native
        if not native.trace_id or not native.span_id:
            return None
        if context.sampling_priority is None:
            context.sampling_priority = _KEEP if self._host.keep(native.trace_id) else _DROP
        ids = SpanContext(native.trace_id, native.span_id, context.sampling_priority > 0)
        return VendorSpan(native, ids, server=is_span and native.span_type == "web")

    def _represent(self, native: Any) -> None:
        """Let ddtrace's server span stand for ours, where it is directly within that."""
        if native.span_type == "web" and native._parent is None:
            seen = self._seen(native)
            parent = self._host.represented(seen) if seen is not None else None
            if parent is not None:
                native.parent_id = parent or None


def _provider(base: type, tracing: Tracing) -> Any:
    """Make the provider; *base* is ddtrace's class, which is not there before ddtrace is loaded."""

    class Provider(base):  # type: ignore[misc]
        def _has_active_context(self) -> bool:
            return tracing.active() is not None

        def active(self) -> Any:
            return tracing.active()

        def activate(self, ctx: Any) -> None:
            tracing.activate(ctx)
            super().activate(ctx)  # tells the profiler

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return tracing.active()

    return Provider()
