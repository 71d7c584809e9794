"""FastAPI: telemetry for an application in one call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from anytel import misuse
from anytel.api import current_span
from anytel.asgi import Options, serve_logs
from anytel.asgi.outermost import is_observed, observe

__all__ = ["instrument"]


def instrument(
    app: FastAPI,
    *,
    error_handlers: bool = False,
    metrics: str | None = None,
    request_id_header: str = "x-request-id",
    exclude: Collection[str] = (),
    log_requests: bool = True,
    query: bool = False,
    preflights: bool = False,
    trust_incoming: bool | None = None,
) -> FastAPI:
    """Observe every request of *app*: a server span named by its route, metrics, a request id, two log lines.

    It is outside all middleware, whenever that is added, and outside what Sentry and ddtrace put around the
    application. It can be called before or after routes are added; calling it twice changes nothing.

    Args:
        app: The application.
        error_handlers: Also answer invalid requests with 400, ``{"error": "Invalid input", "details": [...]}``, and
            unexpected exceptions with 500, ``{"error": "Internal server error", "trace_id": ...}``. Handlers of the
            application's own for these stay.
        metrics: The path at which Prometheus scrapes, such as ``/metrics``; while no backend is scraped it is a 404.
        request_id_header: See `anytel.asgi.Options`, as for the following.
        exclude: Paths that are not observed.
        log_requests: Whether each request is logged.
        query: Whether the query string is recorded.
        preflights: Whether CORS preflight requests are observed.
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
        preflights=preflights,
        metrics=metrics,
    )
    if error_handlers:
        _handle_errors(app)
    observe(app, options)
    serve_logs()
    return app


def _handle_errors(app: FastAPI) -> None:
    if app.middleware_stack is not None:  # it holds the handlers as they were when the application started
        problem = "instrument(error_handlers=True) comes too late: call it where the application is made"
        return misuse.refuse("error_handlers", problem, None)
    handlers = app.exception_handlers
    if handlers.get(RequestValidationError) in (None, request_validation_exception_handler):
        app.add_exception_handler(RequestValidationError, _invalid)
    if not {500, Exception} & handlers.keys():
        app.add_exception_handler(Exception, _unexpected)
    return None


async def _invalid(request: Request, exc: Exception) -> JSONResponse:
    """Answer a request that does not fit its model. Only what JSON can hold of each error, and no input, is shown."""
    errors = exc.errors() if isinstance(exc, RequestValidationError) else ()
    return JSONResponse({"error": "Invalid input", "details": [_detail(one) for one in errors]}, status_code=400)


def _detail(error: object) -> dict[str, object]:
    """Give what is shown of one error, which an application may have made by hand."""
    given = error if isinstance(error, Mapping) else {"msg": error}
    location = given.get("loc", ())
    parts = location if isinstance(location, list | tuple) else (location,)
    return {
        "type": _text(given.get("type", "value_error")),
        "loc": [part if type(part) is int else _text(part) for part in parts],
        "msg": _text(given.get("msg", "")),
    }


def _text(value: object) -> str:
    try:
        return str(value).encode("utf-8", "replace").decode()  # JSON of a request may hold half a surrogate pair
    except Exception:
        return misuse.shown(value)


async def _unexpected(request: Request, exc: Exception) -> Response:
    """Answer what nobody handled; Starlette raises it again afterwards, and so it is reported, once."""
    body = {"error": "Internal server error", "trace_id": current_span().trace_id}
    return _as_cors_would(request.app, JSONResponse(body, status_code=500))


def _as_cors_would(app: FastAPI, response: Response) -> Response:
    """Let the application's own CORS middleware add its headers: this answer comes from outside all middleware."""
    for cls, args, kwargs in app.user_middleware:
        if isinstance(cls, type) and issubclass(cls, CORSMiddleware):
            build: Callable[..., object] = cls
            return cast(Response, build(response, *args, **kwargs))  # all that Starlette does with it is to call it
    return response
