"""One request and its response: the server span, the metrics, the request id and the log lines."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace

from anytel import runtime
from anytel.asgi import request
from anytel.asgi.handover import hand_over
from anytel.asgi.options import Options
from anytel.asgi.protocol import App, Message, Receive, Scope, Send
from anytel.asgi.request_id import echoed, well_formed
from anytel.asgi.route import template
from anytel.logs.logger import get_logger
from anytel.metrics.buckets import SECONDS
from anytel.metrics.instruments import Gauge, Histogram
from anytel.tracing import headers
from anytel.tracing.context import RemoteContext, bound, current
from anytel.tracing.joined import JoinedSpan
from anytel.tracing.record import NoopSpan, Span

__all__ = ["Exchange"]

DURATION = Histogram(
    "http.server.request.duration",
    tags=("http.request.method", "http.response.status_code", "http.route", "url.scheme", "error.type"),
    unit="s",
    description="Duration of HTTP server requests",
    owner="anytel",
    buckets=SECONDS,
)
ACTIVE = Gauge(
    "http.server.active_requests",
    tags=("http.request.method", "url.scheme"),
    unit="{request}",
    description="Number of HTTP server requests in progress",
    owner="anytel",
)
log = get_logger("anytel.asgi")

_BODY = frozenset({"http.response.body", "http.response.zerocopysend", "http.response.pathsend"})
_DISCONNECTS = frozenset({"ClientDisconnect", "WebSocketDisconnect"})
"""Starlette's exceptions for a client that has gone."""


class Exchange:
    """One request and its response."""

    span: NoopSpan

    def __init__(self, scope: Scope, options: Options) -> None:
        self.scope, self.options = scope, options
        self.headers = headers.lower(scope.get("headers", ()))
        self.method = request.known_method(scope)
        self.root_path = scope.get("root_path", "")
        self.tags = {"http.request.method": self.method, "url.scheme": scope.get("scheme", "http")}
        given = self.headers.get(options.request_id_header_lower, "")
        self.request_id = given if well_formed(given) else uuid.uuid4().hex
        self.status = 0
        self.error = ""
        self.route = ""
        self.gone = False
        self.unsent: OSError | None = None
        self.ended = 0.0
        self.ended_ns = 0
        self.finished = False
        self.started = time.perf_counter()

    async def serve(self, app: App, receive: Receive, send: Send) -> None:
        """Run the application in a server span."""
        parent = self._parent()
        binding = bound.set({**bound.get(), **parent.baggage, "request_id": self.request_id})
        given = request.attributes(self.scope, self.headers, method=self.method, query=self.options.query)
        # Without a parent in the headers, a server span that a vendor has begun around us may be one.
        above = parent if parent.context is not None or current.get() is not None else None
        self.span = runtime.active.tracer.start(self._name(""), "server", given, (), above, None)
        self.span.__enter__()
        ACTIVE.add(1, self.tags)
        try:
            if self.options.log_requests:
                self._log("request_started")
            await app(self._handed_over(), self._receiving(receive), self._sending(send))
            if not self.status and not self.gone:
                self.status, self.error = 500, "no_response"  # so the server answers where the application does not
        except Exception as exc:  # a client that hangs up cancels the handler: that is no failure of the server
            self._failed(exc)
            raise
        finally:
            self._finish()
            if isinstance(self.span, Span):
                self.span.leave()
            bound.reset(binding)

    def _handed_over(self) -> Scope:
        """Give the scope that the inner application sees: what vendors' own server spans continue from."""
        if isinstance(self.span, JoinedSpan):
            hand_over(self.scope, self.headers, self.span.context)
        return self.scope

    def _parent(self) -> RemoteContext:
        found = headers.parent(self.headers, runtime.active.propagator.names)
        trusted = self.options.trust_incoming
        if trusted is None:
            settings = runtime.active.settings
            trusted = settings.trust_incoming.value if settings is not None else True
        return found if trusted else replace(found, decided=False)

    def _receiving(self, receive: Receive) -> Receive:
        async def receiving() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone = True
            return message

        return receiving

    def _sending(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            kind = message["type"]
            if kind == "http.response.start":
                self.status = message["status"]
                self._named()
                message = echoed(message, self.options.request_id_name, self.request_id)
            try:
                await send(message)
            except OSError as exc:
                self._cut_off(exc)
                raise
            if kind in _BODY and not message.get("more_body", False):
                self._answered()

        return sending

    def _cut_off(self, exc: OSError) -> None:
        """Note that the client has gone: so a server tells it (ASGI, *Disconnected Client*)."""
        self.gone, self.unsent = True, exc

    def _answered(self) -> None:
        """Note the end of the body. A 5xx waits: the exception behind it may still come up through the handlers."""
        self.ended, self.ended_ns = time.perf_counter(), time.time_ns()
        if self.status < 500:
            self._finish()

    def _name(self, route: str) -> str:
        method = self.method if self.method != "_OTHER" else "HTTP"
        return f"{method} {route}".rstrip()

    def _named(self) -> str:
        """Name the span by its route, as far as that is known."""
        self.route = route = template(self.scope, self.root_path)
        if isinstance(self.span, Span):
            self.span.name = self._name(route)
        return route

    def _failed(self, exc: Exception) -> None:
        if self._says_gone(exc):
            self.gone = True
            return
        span = self.span
        if self.finished:  # a background task has raised: the request itself was answered
            if isinstance(span, Span):
                span.report(exc)
            return
        self._named()
        if isinstance(span, Span):
            span.raised(exc)
        self.error = type(exc).__qualname__
        self.status = self.status or 500

    def _says_gone(self, exc: BaseException) -> bool:
        """Say whether *exc* means that the client has gone, also as the one member of a task group's exception."""
        if isinstance(exc, BaseExceptionGroup):
            return all(map(self._says_gone, exc.exceptions))
        return exc is self.unsent or type(exc).__name__ in _DISCONNECTS

    def _finish(self) -> None:
        if self.finished:
            return
        self.finished = True
        ACTIVE.add(-1, self.tags)
        seconds = (self.ended or time.perf_counter()) - self.started
        route, error = (self.route or self._named()) or None, self.error or self._error() or None
        self._record(seconds, route, error)
        if self.options.log_requests:
            self._log("request_completed", **self._outcome(), duration_ms=round(seconds * 1e3, 3))
        span = self.span
        if isinstance(span, Span):
            if error is not None and span._status != "error":
                span.fail(self._reason())
            span.set({"http.route": route, "http.response.status_code": self.status or None, "error.type": error})
            span.end(self.ended_ns or None)

    def _error(self) -> str:
        """Say what the response itself tells of a failure."""
        return str(self.status) if self.status >= 500 else ""

    def _reason(self) -> str:
        return f"HTTP {self.status}"

    def _outcome(self) -> dict[str, object]:
        return {"status": self.status or None}

    def _record(self, seconds: float, route: str | None, error: str | None) -> None:
        tags = {**self.tags, "http.response.status_code": self.status or None, "http.route": route, "error.type": error}
        DURATION.record(seconds, tags)

    def _log(self, event: str, **more: object) -> None:
        log.info(event, method=self.method, path=self.scope["path"], **more)
