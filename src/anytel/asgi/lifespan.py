"""The end of an application: what it recorded is delivered before its server hears that it has ended.

uvicorn then dies of the signal that ended it, without Python's exit, and so without `anytel.shutdown`.
"""

from __future__ import annotations

import asyncio

from anytel import runtime
from anytel.asgi.protocol import Message, Send

__all__ = ["delivering"]


def delivering(send: Send) -> Send:
    """Give *send* so that the end of a lifespan is told once everything is delivered, or the time for that is over."""

    async def sending(message: Message) -> None:
        if str(message["type"]).startswith("lifespan.shutdown."):
            await _deliver()
        await send(message)

    return sending


async def _deliver() -> None:
    settings = runtime.active.settings
    if settings is None:
        return
    timeout = settings.shutdown_timeout.value
    try:
        await asyncio.to_thread(runtime.flush, timeout)
    except RuntimeError:  # no loop of asyncio, as where trio runs the server
        runtime.flush(timeout)
