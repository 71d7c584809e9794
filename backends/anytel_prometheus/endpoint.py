"""The endpoints that an application mounts: they answer with whichever Prometheus backend is open."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple, TypeAlias, cast
from wsgiref.types import StartResponse, WSGIEnvironment

from anytel_prometheus.publication import published

__all__ = ["asgi_app", "wsgi_app"]

Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, object]]]
Send: TypeAlias = Callable[[dict[str, object]], Awaitable[None]]

_CHUNK = 256 * 1024
_NOT_CONFIGURED = b"No Prometheus backend is open: call anytel.configure() with prometheus among TELEMETRY_BACKENDS.\n"


class _Answer(NamedTuple):
    status: HTTPStatus
    headers: list[tuple[str, str]]
    body: bytes


async def asgi_app(scope: Mapping[str, object], receive: Receive, send: Send) -> None:
    """Serve the metrics as an ASGI application, for any path.

    Rendering happens in a thread of asyncio's default executor, since a large exposition would stall the event loop;
    other tasks get their turn between the parts of the body.
    """
    if scope["type"] != "http":
        raise NotImplementedError(f"the metrics endpoint speaks HTTP, not {scope['type']}")
    method = cast(str, scope["method"])
    headers = cast(Iterable[tuple[bytes, bytes]], scope["headers"])
    answer = await asyncio.to_thread(_answer, method, _header(headers, b"accept"), _header(headers, b"accept-encoding"))
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status.value, "headers": encoded})
    body = b"" if method == "HEAD" else answer.body
    for start in range(0, len(body), _CHUNK):
        await send({"type": "http.response.body", "body": body[start : start + _CHUNK], "more_body": True})
        await asyncio.sleep(0)  # a server takes a part without waiting as long as it has room
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def wsgi_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve the metrics as a WSGI application, for any path."""
    method = environ["REQUEST_METHOD"]
    answer = _answer(method, environ.get("HTTP_ACCEPT", ""), environ.get("HTTP_ACCEPT_ENCODING", ""))
    start_response(f"{answer.status.value} {answer.status.phrase}", answer.headers)
    return [] if method == "HEAD" else [answer.body]


def _answer(method: str, accept: str, accept_encoding: str) -> _Answer:
    if method not in {"GET", "HEAD"}:
        return _plain(HTTPStatus.METHOD_NOT_ALLOWED, b"Use GET or HEAD.\n", ("allow", "GET, HEAD"))
    exporter = published()
    if exporter is None:
        return _plain(HTTPStatus.SERVICE_UNAVAILABLE, _NOT_CONFIGURED)
    content_type, body = exporter.scrape(accept)
    headers = [("content-type", content_type), ("vary", "accept, accept-encoding")]
    if _takes_gzip(accept_encoding):
        # Level 1: the text is so repetitive that higher ones cost more time than they save bytes.
        body = gzip.compress(body, compresslevel=1)
        headers.append(("content-encoding", "gzip"))
    return _Answer(HTTPStatus.OK, [*headers, ("content-length", str(len(body)))], body)


def _plain(status: HTTPStatus, body: bytes, *headers: tuple[str, str]) -> _Answer:
    fixed = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body)))]
    return _Answer(status, [*headers, *fixed], body)


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    return ",".join(value.decode("latin-1") for name, value in headers if name.lower() == wanted)


def _takes_gzip(accept_encoding: str) -> bool:
    offers = (offer.lower().replace(" ", "").partition(";") for offer in accept_encoding.split(","))
    return any(
        coding == "gzip" and quality not in {"q=0", "q=0.0", "q=0.00", "q=0.000"} for coding, _, quality in offers
    )
