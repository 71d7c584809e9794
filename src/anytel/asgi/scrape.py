"""The path at which metrics are scraped: answered by whichever backend is, and itself not observed."""

from __future__ import annotations

import logging

from anytel import runtime
from anytel.asgi.protocol import Receive, Scope, Send

__all__ = ["scrape"]

logger = logging.getLogger("anytel")
_NOBODY = b"No backend is scraped: put prometheus among TELEMETRY_BACKENDS.\n"
_HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(_NOBODY)).encode())]
_warned = False


async def scrape(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a scrape; with 404 while no backend is scraped, as the one setting may name others elsewhere."""
    for backend in runtime.active.pipeline.backends:
        app = backend.scrape_app()
        if app is not None:
            await app(scope, receive, send)
            return
    _warn(scope["path"])
    await send({"type": "http.response.start", "status": 404, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else _NOBODY})


def _warn(path: str) -> None:
    global _warned  # noqa: PLW0603 -- once per process: a scraper asks every few seconds
    if not _warned:
        _warned = True
        logger.warning("%s is scraped, but no backend serves metrics: put prometheus among TELEMETRY_BACKENDS", path)
