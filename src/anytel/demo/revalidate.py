"""Revalidating a fragment: what a caller may ask for, and what is done then."""

from __future__ import annotations

import re
from time import perf_counter

from pydantic import BaseModel, Field, field_validator

import anytel
from anytel.demo import mcp
from anytel.demo.fragments import FragmentStore
from anytel.demo.telemetry import UNIQUE_FRAGMENTS
from anytel.demo.trinity import Trinity

__all__ = ["RevalidateRequest", "Revalidation"]

log = anytel.get_logger(__name__)
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class RevalidateRequest(BaseModel):
    """What a caller sends: the fragment, and maybe the page that it is on."""

    fragmentKey: str  # noqa: N815 -- the name in the published API
    pageSlug: str | None = Field(default=None, max_length=200)  # noqa: N815 -- as above

    @field_validator("fragmentKey")
    @classmethod
    def _is_key(cls, value: str) -> str:
        if not _KEY.fullmatch(value):
            raise ValueError("Invalid fragmentKey: letters, digits, '-' and '_', at most 64")
        return value


class Revalidation:
    """Revalidates fragments: has the MCP server refresh each and stores its next revision."""

    def __init__(self) -> None:
        self._store = FragmentStore()
        self._trinity = Trinity()

    async def process(self, request: RevalidateRequest) -> None:
        """Revalidate one fragment.

        Raises:
            McpError: The MCP server failed.
        """
        key, started = request.fragmentKey, perf_counter()
        log.info("revalidate_called", fragment_key=key, page_slug=request.pageSlug)
        UNIQUE_FRAGMENTS.add(key)
        known = succeeded = False
        try:
            with anytel.span("revalidate.process", attributes={"fragment.key": key}) as span:
                revision = self._store.revision(key)
                known = revision > 0
                await mcp.call("revalidate", key, endpoint="revalidate")
                self._store.save(key, request.pageSlug)
                span.set({"fragment.revision": revision + 1})
            succeeded = True
            log.info("revalidated", fragment_key=key, revision=revision + 1)
        except mcp.McpError as exc:
            # Nobody expects it, so it is reported where it leaves the request: once, and as unhandled.
            log.warning("revalidate_failed", fragment_key=key, reason=str(exc))
            raise
        finally:
            self._trinity.judge(known=known, succeeded=succeeded, seconds=perf_counter() - started)
