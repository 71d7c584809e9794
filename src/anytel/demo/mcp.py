"""The MCP server that the service calls: simulated, with the latency and the failures of a real one."""

from __future__ import annotations

import asyncio
import zlib
from typing import Literal

import anytel
from anytel.demo.telemetry import MCP_CALLS

__all__ = ["McpError", "call"]

FAILING = ("broken-", "legacy-")
"""What begins with one of these makes the simulated server fail."""


class McpError(RuntimeError):
    """The MCP server did not do what it was asked."""


async def call(kind: Literal["revalidate", "execute"], subject: str, *, endpoint: str) -> None:
    """Have the server do *kind* with *subject*, for one of the service's endpoints.

    Raises:
        McpError: The server failed, as it does for subjects that begin with one of `FAILING`.
    """
    MCP_CALLS.add(1, {"type": kind, "endpoint": endpoint})
    attributes = {"service.name": "afo-mcp", "mcp.type": kind, "mcp.subject": subject}
    with anytel.span("mcp.call", kind="client", attributes=attributes) as span:
        await asyncio.sleep(_latency(subject))
        if subject.startswith(FAILING):
            raise McpError(f"afo-mcp answered 503 to {kind} of {subject!r}")
        span.set({"mcp.status": 200})


def _latency(subject: str) -> float:
    """Give 1 to 12 ms, always the same for one subject."""
    return (1 + zlib.crc32(subject.encode()) % 12) / 1_000
