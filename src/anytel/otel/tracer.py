"""The tracer provider: spans of libraries that are instrumented with OpenTelemetry, as spans of ours."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from types import TracebackType
from typing import Any, cast

from opentelemetry import context as api
from opentelemetry import trace
from opentelemetry.context.context import Context
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.util.types import Attributes

from anytel import misuse, runtime
from anytel.attributes import text
from anytel.backend import SpanKind
from anytel.otel.context import base, suppresses
from anytel.otel.span import KINDS, Span, Unsampled, mapping, ours, place
from anytel.tracing import record
from anytel.tracing.context import RemoteContext, current
from anytel.tracing.tracer import Parent

__all__ = ["Tracer", "TracerProvider"]

_NOOP = trace.NoOpTracer()
_ROOT = RemoteContext()
_SERVERS = frozenset(f"opentelemetry.instrumentation.{name}" for name in ("asgi", "fastapi", "starlette"))


class TracerProvider(trace.TracerProvider):
    """Gives tracers that record to the backends of `anytel.configure`."""

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        """Give a tracer whose spans have *instrumenting_module_name* as their scope."""
        name = instrumenting_module_name
        return Tracer(name if type(name) is str else "" if name is None else text(name))

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver everything; see `anytel.flush`."""
        return runtime.flush(timeout_millis / 1e3)

    def shutdown(self) -> None:
        """Deliver everything. Telemetry goes on until `anytel.shutdown`."""
        runtime.flush()


class Tracer(trace.Tracer):
    """Starts spans of ours with *scope*."""

    def __init__(self, scope: str) -> None:
        self._scope = scope
        self._start = _start_in_server if scope in _SERVERS else _start

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = trace.SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT002 -- the API's signature
        set_status_on_exception: bool = True,  # noqa: FBT002 -- as above
    ) -> trace.Span:
        """Start a span that is not current; *start_time* is in nanoseconds since the epoch."""
        here = base()
        if context is not None and not isinstance(context, Mapping):
            misuse.count("parent")  # type: ignore[unreachable]  # libraries give what they like
            context = None
        if suppresses(here.context if context is None else context):
            return trace.NonRecordingSpan(trace.get_current_span(context).get_span_context())
        parent = _parent(context) if context is not None else here.remote if current.get() is None else None
        made = self._start(name, _kind(kind), attributes, _links(links), parent, start_time)
        if isinstance(made, record.Span):
            made.scope = self._scope
            return Span(made, record_exception=record_exception, set_status_on_exception=set_status_on_exception)
        if isinstance(made, record.Unrecorded):
            return Unsampled(made._trace)
        return _NOOP.start_span(name, context)

    def start_as_current_span(  # type: ignore[override]  # a context manager and decorator as that of the API
        self,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = trace.SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT002 -- the API's signature
        set_status_on_exception: bool = True,  # noqa: FBT002 -- as above
        end_on_exit: bool = True,  # noqa: FBT002 -- as above
    ) -> _Current:
        """Start a span that is current in the ``with`` block, or in the calls of the decorated function."""
        start = lambda: self.start_span(  # noqa: E731 -- run once for each block and call
            name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
        )
        return _Current(start, record_exception, set_status_on_exception, end_on_exit)


class _Current(AbstractContextManager[trace.Span]):
    """A block in which a span is current."""

    def __init__(self, start: Callable[[], trace.Span], record: bool, fail: bool, end: bool) -> None:
        self._start, self._record, self._fail, self._end = start, record, fail, end

    def __enter__(self) -> trace.Span:
        self._span = self._start()
        self._token = api.attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        api.detach(self._token)
        if isinstance(exc, Exception) and isinstance(self._span, Span):
            self._span.left_by(exc, record=self._record, fail=self._fail)
        if self._end:
            self._span.end()

    def _again(self) -> _Current:
        return _Current(self._start, self._record, self._fail, self._end)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate *function*, which may be a coroutine function."""
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def waiting(*args: object, **kwargs: object) -> object:
                with self._again():
                    return await cast("Callable[..., Awaitable[object]]", function)(*args, **kwargs)

            return waiting

        @wraps(function)
        def calling(*args: object, **kwargs: object) -> object:
            with self._again():
                return function(*args, **kwargs)

        return calling


def _start(
    name: str,
    kind: SpanKind,
    attributes: Attributes,
    links: Iterable[object],
    parent: Parent | None,
    start_time: int | None,
) -> record.NoopSpan:
    return runtime.active.tracer.start(name, kind, attributes, links, parent, start_time)


_warned = False


def _start_in_server(
    name: str,
    kind: SpanKind,
    attributes: Attributes,
    links: Iterable[object],
    parent: Parent | None,
    start_time: int | None,
) -> record.NoopSpan:
    """Start a span of a server's instrumentation, and say so where anytel observes the same request."""
    global _warned  # noqa: PLW0603 -- said once in a process
    around = current.get()
    if around is not None and around.kind == "server" and not around.scope and not _warned:
        _warned = True
        logging.getLogger("anytel").warning(
            "requests are observed twice, by anytel and by OpenTelemetry's instrumentation of the server: its span is "
            "inside our server span, and its metrics count each request again. Remove one of them"
        )
    return _start(name, kind, attributes, links, parent, start_time)


def _parent(context: Context) -> Parent:
    """Give the parent that *context* names; one without a span begins a trace."""
    span, remote = place(context.get(_SPAN_KEY))
    return span or remote or _ROOT


def _links(links: Sequence[trace.Link] | None) -> Iterable[object]:
    if links is None:
        return ()
    try:
        contexts = [
            (ours(getattr(link, "context", None)), mapping(getattr(link, "attributes", None))) for link in links
        ]
    except Exception:
        misuse.count("links")
        return ()
    return [(linked, more) for linked, more in contexts if linked is not None]


def _kind(kind: trace.SpanKind) -> SpanKind:
    if type(kind) is trace.SpanKind:
        return KINDS[kind]
    misuse.count("kind")
    return "internal"
