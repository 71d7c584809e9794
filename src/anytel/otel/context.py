"""OpenTelemetry's runtime context, in which the current span is always ours.

There is one variable for the current span, `anytel.tracing.context.current`, and OpenTelemetry's context is made from
it when somebody asks: a span of ours costs nothing more for being OpenTelemetry's too.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Any, NamedTuple

from opentelemetry import context as api
from opentelemetry.context.context import Context, _RuntimeContext
from opentelemetry.trace.propagation import _SPAN_KEY

from anytel.otel.span import Span, place
from anytel.tracing import record
from anytel.tracing.context import RemoteContext, current, incoming
from anytel.tracing.joined import JoinedSpan, Tokens, hide

__all__ = ["Attached", "RuntimeContext", "base", "install", "suppresses"]

_DELIVERING = ("anytel-", "sentry", "ddtrace", "datadog")
"""Threads that bring telemetry to the vendors: what they send is not traced."""
_SUPPRESS = tuple(
    key
    for name in ("_SUPPRESS_INSTRUMENTATION_KEY", "_SUPPRESS_HTTP_INSTRUMENTATION_KEY")
    if (key := getattr(api, name, None)) is not None
)


class Attached(NamedTuple):
    """A context that was attached, with what its span is to us."""

    context: Context
    span: record.Span | None
    remote: RemoteContext | None


class _Seen(NamedTuple):
    """A context that was asked for, and what it was made from."""

    base: Attached
    span: record.Span | None
    context: Context


class _Token(NamedTuple):
    """What undoes an attachment."""

    attached: Attached
    base: Token[Attached | None]
    span: Token[record.Span | None]
    remote: Token[RemoteContext | None]
    shown: Tokens


_attached: ContextVar[Attached | None] = ContextVar("anytel_otel_attached", default=None)
_seen: ContextVar[_Seen | None] = ContextVar("anytel_otel_seen", default=None)
_NOTHING = Attached(Context(), None, None)
_SUPPRESSED = Attached(Context(dict.fromkeys((*_SUPPRESS, "suppress_instrumentation"), True)), None, None)


class RuntimeContext(_RuntimeContext):
    """Keeps OpenTelemetry's context, and the current span in agreement with ours.

    *below* is the one that was in force before: what was attached there still holds, and can be detached.
    """

    def __init__(self, below: _RuntimeContext) -> None:
        self._below = below

    def get_current(self) -> Context:
        """Give the current context."""
        base, span = self.base(), current.get()
        if span is base.span:
            return base.context
        seen = _seen.get()
        if seen is not None and seen.span is span and seen.base is base:
            return seen.context
        context = _with(base.context, span)
        _seen.set(_Seen(base, span, context))
        return context

    def attach(self, context: Context) -> Any:
        """Make *context* current, and its span ours; gives what `detach` takes."""
        base = Attached(context, *place(context.get(_SPAN_KEY)))
        span, before = base.span, current.get()
        token = _Token(base, _attached.set(base), current.set(span), incoming.set(base.remote), ())
        if isinstance(span, JoinedSpan) and span is not before:
            return token._replace(shown=span.show())
        return token

    def detach(self, token: Any) -> None:
        """Restore what was; never raises. In another execution context there is nothing to undo but a copy."""
        if not isinstance(token, _Token):
            with suppress(Exception):
                self._below.detach(token)
            return
        try:
            _attached.reset(token.base)
            current.reset(token.span)
            incoming.reset(token.remote)
        except RuntimeError:  # detached before
            return
        except ValueError:
            if _attached.get() is token.attached:
                _attached.set(_old(token.base))
                current.set(_old(token.span))
                incoming.set(_old(token.remote))
        hide(token.shown)

    def base(self) -> Attached:
        """Give what is attached, without looking at the current span."""
        attached = _attached.get()
        if attached is not None:
            return attached
        if threading.current_thread().name.startswith(_DELIVERING):
            return _SUPPRESSED
        below = self._below.get_current()
        return Attached(below, *place(below.get(_SPAN_KEY))) if below else _NOTHING


def base() -> Attached:
    """Give what is attached here, without looking at our current span."""
    found = api._RUNTIME_CONTEXT
    if isinstance(found, RuntimeContext):
        return found.base()
    context = found.get_current()  # somebody has replaced ours
    return Attached(context, *place(context.get(_SPAN_KEY)))


def suppresses(context: Context) -> bool:
    """Say whether instrumentation is suppressed in *context*."""
    return bool(context.get(api._SUPPRESS_INSTRUMENTATION_KEY))


def install() -> None:
    """Put ours into force, if it is not."""
    if not isinstance(api._RUNTIME_CONTEXT, RuntimeContext):
        api._RUNTIME_CONTEXT = RuntimeContext(api._RUNTIME_CONTEXT)


def _with(context: Context, span: record.Span | None) -> Context:
    values = dict(context)
    if span is not None:
        values[_SPAN_KEY] = Span(span)
    else:
        values.pop(_SPAN_KEY, None)
    return Context(values)


def _old(token: Token[Any]) -> Any:
    return None if token.old_value is Token.MISSING else token.old_value
