"""The middleware: what is observed of an application's connections, and what is not."""

from __future__ import annotations

from anytel import runtime
from anytel.asgi.exchange import Exchange
from anytel.asgi.lifespan import delivering
from anytel.asgi.options import Options
from anytel.asgi.protocol import App, Receive, Scope, Send
from anytel.asgi.scrape import scrape
from anytel.asgi.websocket import WebSocketExchange

__all__ = ["TelemetryMiddleware", "serve_logs"]

OBSERVED = "anytel.observed"
"""In the scope of a connection that is observed: an instrumented application that is mounted does not do so again."""


_FASTAPI = "fastapi.telemetry"
"""Where FastAPI, which has telemetry of its own by OpenTelemetry's API, notes that a request has its telemetry; None:
that it has none. Ours is the one server span, and exclusions are for both.
"""


class TelemetryMiddleware:
    """Observes the requests of *app*. Put it outermost."""

    def __init__(self, app: App, options: Options | None = None) -> None:
        self.app = app
        self.options = options or Options()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await serve(self.app, self.options, scope, receive, send)


async def serve(app: App, options: Options, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one connection with *app*, observing what is to be observed."""
    kind = scope["type"]
    if kind == "lifespan":
        serve_logs()
        send = delivering(send)
    if options.metrics is not None and options.serves_metrics(scope):
        await scrape(scope, receive, send)
        return
    if kind != "lifespan":
        scope.setdefault(_FASTAPI, None)
    if kind not in ("http", "websocket") or OBSERVED in scope or not options.observes(scope):
        await app(scope, receive, send)
        return
    scope[OBSERVED] = True
    exchange = Exchange if kind == "http" else WebSocketExchange
    await exchange(scope, options).serve(app, receive, send)


def serve_logs() -> None:
    """Take over the server's own lines; called again when it starts, as it may have set up its logging meanwhile."""
    if runtime.active.settings is not None:
        from anytel.logs import capture  # noqa: PLC0415 -- loads structlog, which `configure` has loaded

        capture.serve()
