"""FastAPI: telemetry for an application in one call."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from anytel.api import current_span
from anytel.asgi import Options, serve_logs
from anytel.asgi.outermost import is_observed, observe

__all__ = ["instrument"]


def instrument(
    app: FastAPI,
    *,
    error_handlers: bool = False,
    request_id_header: str = "x-request-id",
    exclude: Collection[str] = (),
    log_requests: bool = True,
    query: bool = False,
    trust_incoming: bool | None = None,
) -> FastAPI:
    """Observe every request of *app*: a server span named by its route, metrics, a request id, two log lines.

    It is outside all middleware, whenever that is added, and can be called before or after routes are; calling it
    twice changes nothing.

    Args:
        app: The application.
        error_handlers: Also answer invalid requests with 400, ``{"error": "Invalid input", "details": [...]}``, and
            unexpected exceptions with 500, ``{"error": "Internal server error", "trace_id": ...}``.
        request_id_header: See `anytel.asgi.Options`, as for the following.
        exclude: Paths that are not observed.
        log_requests: Whether each request is logged.
        query: Whether the query string is recorded.
        trust_incoming: Whether the caller's sampling decision holds.
    """
    if is_observed(app):
        return app
    options = Options(
        request_id_header=request_id_header,
        exclude=exclude,
        log_requests=log_requests,
        query=query,
        trust_incoming=trust_incoming,
    )
    if error_handlers:
        app.add_exception_handler(RequestValidationError, _invalid)
        app.add_exception_handler(Exception, _unexpected)
    observe(app, options)
    serve_logs()
    return app


async def _invalid(request: Request, exc: Exception) -> JSONResponse:
    """Answer a request that does not fit its model. Only what JSON can hold of each error, and no input, is shown."""
    errors = exc.errors() if isinstance(exc, RequestValidationError) else ()
    details = [{"type": one["type"], "loc": list(one["loc"]), "msg": one["msg"]} for one in errors]
    return JSONResponse({"error": "Invalid input", "details": details}, status_code=400)


async def _unexpected(request: Request, exc: Exception) -> JSONResponse:
    """Answer what nobody handled; Starlette raises it again afterwards, and so it is reported, once."""
    return JSONResponse({"error": "Internal server error", "trace_id": current_span().trace_id}, status_code=500)
