"""One request and its response: the server span, the metrics, the request id and the log lines."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import replace

from anytel import runtime
from anytel.asgi.options import Options
from anytel.asgi.protocol import App, Headers, Message, Receive, Scope, Send, header
from anytel.logs.logger import get_logger
from anytel.metrics.buckets import SECONDS
from anytel.metrics.instruments import Gauge, Histogram
from anytel.tracing import headers
from anytel.tracing.context import RemoteContext, bound, current
from anytel.tracing.record import NoopSpan, Span

__all__ = ["Exchange"]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._~+/=:-]{1,128}")

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


class Exchange:
    """One request and its response."""

    def __init__(self, scope: Scope, options: Options) -> None:
        self.scope, self.options = scope, options
        self.http = scope["type"] == "http"
        method = scope.get("method", "GET")
        self.method = method if method in METHODS else "_OTHER"
        self.scheme = scope.get("scheme", "http")
        self.started = time.perf_counter()
        self.status = 0
        self.error = ""
        self.root_path = scope.get("root_path", "")
        self.ended_ns = 0
        self.finished = False
        self.headers: Headers = scope.get("headers", ())
        self.request_id = self._request_id()
        self.span: NoopSpan

    def _request_id(self) -> str:
        given = header(self.headers, self.options.request_id_name)
        return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex

    async def serve(self, app: App, receive: Receive, send: Send) -> None:
        """Run the application in a server span."""
        tags = {"http.request.method": self.method, "url.scheme": self.scheme}
        binding = bound.set({**bound.get(), "request_id": self.request_id})
        tracer = runtime.active.tracer
        self.span = tracer.start(self._name(""), "server", self._attributes(), (), self._parent(), None)
        token = current.set(self.span) if isinstance(self.span, Span) else None
        ACTIVE.add(1, tags)
        try:
            self._log("request_started")
            await app(self._handed_over(), receive, self._sending(send))
        except Exception as exc:  # a client that hangs up cancels the handler: that is no failure of the server
            self._failed(exc)
            raise
        finally:
            self._finish()
            ACTIVE.add(-1, tags)
            if token is not None:
                current.reset(token)
            bound.reset(binding)

    def _handed_over(self) -> Scope:
        """Give the scope that the inner application sees: what vendors' own server spans continue from."""
        return self.scope

    def _parent(self) -> RemoteContext:
        found = headers.read(self.headers)
        trusted = self.options.trust_incoming
        if trusted is None:
            settings = runtime.active.settings
            trusted = settings.trust_incoming.value if settings is not None else True
        return found if trusted else replace(found, decided=False)

    def _attributes(self) -> dict[str, object]:
        scope = self.scope
        server, client = scope.get("server") or ("", None), scope.get("client") or ("", None)
        return {
            "http.request.method": self.method,
            "url.path": scope["path"],
            "url.scheme": self.scheme,
            "url.query": (scope.get("query_string", b"").decode("latin-1") or None) if self.options.query else None,
            "server.address": server[0] or None,
            "server.port": server[1],
            "client.address": client[0] or None,
            "user_agent.original": header(self.headers, b"user-agent") or None,
            "network.protocol.version": scope.get("http_version"),
        }

    def _sending(self, send: Send) -> Send:
        name = self.options.request_id_name

        async def sending(message: Message) -> None:
            kind = message["type"]
            if kind == "http.response.start":
                self.status = message["status"]
                self._named()
                message["headers"] = [*message.get("headers", ()), (name, self.request_id.encode("latin-1"))]
            await send(message)
            if kind == "http.response.body" and not message.get("more_body", False):
                self.ended_ns = time.time_ns()
                if self.status < 500:  # else the exception behind it may still come up through the server's handler
                    self._finish()

        return sending

    @property
    def route(self) -> str:
        """The template of the matched route, or an empty string; known once the router has run."""
        route, root = self.scope.get("route"), self.scope.get("root_path", "")
        path = getattr(route, "path_format", None) or getattr(route, "path", None)
        if isinstance(path, str):
            return f"{root}{path}"
        return root if root != self.root_path else ""  # a mounted application that is no router

    def _name(self, route: str) -> str:
        method = self.method if self.method != "_OTHER" else "HTTP"
        return f"{method if self.http else 'WEBSOCKET'} {route}".rstrip()

    def _named(self) -> None:
        """Name the span by its route: never by the raw path, of which there are as many as callers like."""
        if isinstance(self.span, Span):
            self.span.name = self._name(self.route)

    def _failed(self, exc: Exception) -> None:
        if isinstance(self.span, Span) and not self.finished:
            self.span.raised(exc)
        self.error = type(exc).__qualname__
        self.status = self.status or 500

    def _finish(self) -> None:
        if self.finished:
            return
        self.finished = True
        self._named()
        route, error = self.route or None, self.error or (str(self.status) if self.status >= 500 else None)
        self._record(route, error)
        self._log("request_completed", status=self.status or None)
        span = self.span
        if isinstance(span, Span):
            if error is not None and span._status != "error":
                span.fail(f"HTTP {self.status}")
            span.set({"http.route": route, "http.response.status_code": self.status or None, "error.type": error})
            span.end(self.ended_ns or None)

    def _record(self, route: str | None, error: str | None) -> None:
        if self.http:
            tags = {
                "http.request.method": self.method,
                "http.response.status_code": self.status or None,
                "http.route": route,
                "url.scheme": self.scheme,
                "error.type": error,
            }
            DURATION.record(time.perf_counter() - self.started, tags)

    def _log(self, event: str, **more: object) -> None:
        if self.options.log_requests:
            if more:
                more["duration_ms"] = round((time.perf_counter() - self.started) * 1e3, 3)
            log.info(event, method=self.method, path=self.scope["path"], **more)
