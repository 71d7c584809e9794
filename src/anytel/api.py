"""The functions of the public API that record: spans, context, errors and headers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from contextvars import copy_context
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from anytel import misuse, runtime
from anytel.attributes import flatten
from anytel.backend import SpanKind
from anytel.tracing import exceptions, headers
from anytel.tracing.context import RemoteContext, bound, current, incoming
from anytel.tracing.joined import JoinedSpan
from anytel.tracing.record import NOOP, NoopSpan
from anytel.tracing.tracer import Parent

__all__ = ["capture_exception", "context", "current_span", "extract", "inject", "propagate", "span", "start_span"]

P = ParamSpec("P")
R = TypeVar("R")


def span(
    name: str,
    *,
    kind: SpanKind = "internal",
    attributes: Mapping[str, object] | None = None,
    links: Iterable[object] = (),
    parent: Parent | None = None,
    start_time: float | datetime | None = None,
) -> NoopSpan:
    """Start a span, to be entered with ``with``: current within the block, it ends with it, also when that raises.

    Args:
        name: What is done, with few different values: ``mcp.call``, not ``mcp.call 4711``.
        kind: Its role towards other processes.
        attributes: Free values; None is left out, nested mappings become dotted names.
        links: Related spans that are not parents: spans, extracted contexts, or pairs of one of these with attributes.
        parent: A span, or what `extract` gave; without it the current span.
        start_time: When it began, if not now: nanoseconds since the epoch as an int, seconds as a float, or a datetime.
    """
    return runtime.active.tracer.start(name, kind, attributes, links, parent, start_time)


def start_span(
    name: str,
    *,
    kind: SpanKind = "internal",
    attributes: Mapping[str, object] | None = None,
    links: Iterable[object] = (),
    parent: Parent | None = None,
    start_time: float | datetime | None = None,
) -> NoopSpan:
    """Start a span that is not current and ends when its ``end()`` is called; arguments as of `span`."""
    return runtime.active.tracer.start(name, kind, attributes, links, parent, start_time)


def current_span() -> NoopSpan:
    """Give the enclosing span, or the shared one that records nothing."""
    return current.get() or NOOP


@contextmanager
def context(attributes: Mapping[str, object] | None = None, /, **more: object) -> Iterator[None]:
    """Bind attributes to everything recorded in the block: log lines, spans, error reports.

    They reach a metric only where it declares a tag of that name.
    """
    try:
        added = flatten({**attributes, **more} if attributes is not None else more)
    except Exception as exc:
        added = misuse.refuse("context", f"anytel.context() takes a mapping: {misuse.shown(exc)}", {})
    token = bound.set({**bound.get(), **added})
    try:
        yield
    finally:
        with suppress(ValueError):  # in a generator finalised in another context, there is nothing to undo
            bound.reset(token)


def capture_exception(
    exc: BaseException | None = None,
    attributes: Mapping[str, object] | None = None,
    handled: bool = True,  # noqa: FBT002 -- the settled signature
) -> str:
    """Report an exception, by default the one being handled, to every backend that takes errors.

    Gives the report's id, 32 hex digits and the same at every vendor. An exception is reported once: capturing it
    again, logging it or letting it leave a span gives the same report. Without an exception the id is empty.
    """
    if exc is None:
        exc = sys.exc_info()[1]
    if not issubclass(type(exc), BaseException) or exc is None:
        return misuse.refuse("exception", "capture_exception() found no exception: call it in an except block", "")
    span = current.get()
    context, trace = (span.context, span._trace) if span is not None else (None, None)
    known = exceptions.marked(exc).context or context
    try:
        more = flatten(attributes) if attributes is not None else {}
    except Exception as problem:
        text = f"capture_exception() takes a mapping of attributes: {misuse.shown(problem)}"
        more = misuse.refuse("attributes", text, {})
    try:
        return runtime.active.pipeline.take_exception(exc, known, trace, more, handled=handled)
    except Exception as problem:
        return misuse.refuse("exception", f"capture_exception() failed: {misuse.shown(problem)}", "")


def inject(carrier: MutableMapping[str, str]) -> None:
    """Write the current span's ids and decision into *carrier*, in the formats of ``TELEMETRY_PROPAGATORS``.

    A header that is there is replaced, in whichever case it is spelled; baggage of others is kept.
    """
    span, remote = current.get(), incoming.get()
    context = span.context if span is not None else None
    if span is None and remote is not None:
        context = runtime.active.tracer.passed_on(remote)
    if context is None:
        return
    try:
        runtime.active.propagator.write(context, carrier, bound.get())
    except Exception as exc:
        misuse.refuse("headers", f"inject() takes a mapping that can be written: {misuse.shown(exc)}", None)


def extract(carrier: Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]) -> RemoteContext:
    """Read a parent for `span` from a message's headers: a mapping, or pairs. An empty one starts a new trace.

    Every format is read; the members of the baggage that ``TELEMETRY_BAGGAGE`` names are its ``baggage``.
    """
    return headers.read(carrier, runtime.active.propagator.names)


def propagate(function: Callable[P, R]) -> Callable[P, R]:
    """Give *function* so that it runs, in any thread or executor, with the span and context that are current now."""
    carried = copy_context()
    span = current.get()
    resumed = span.resumed(function) if isinstance(span, JoinedSpan) else function

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        # A context can be entered once at a time, and the same function may run in many threads: each run gets a copy.
        return carried.copy().run(resumed, *args, **kwargs)

    return run
