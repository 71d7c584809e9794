"""The request id: one that a caller has sent is taken only if it is well formed, and it goes back once."""

from __future__ import annotations

import re

from anytel.asgi.protocol import Message

__all__ = ["echoed", "well_formed"]

_WELL_FORMED = re.compile(r"[A-Za-z0-9._~+/=:-]{1,128}")
_ORIGIN = b"access-control-allow-origin"
_EXPOSE = b"access-control-expose-headers"


def well_formed(given: str) -> bool:
    """Say whether *given* can be used as it is."""
    return _WELL_FORMED.fullmatch(given) is not None


def echoed(message: Message, name: bytes, request_id: str) -> Message:
    """Give *message*, which starts a response, with the id in the header *name*; one of the application's own stays.

    An answer to another origin also lets its scripts read the header.
    """
    headers = [*message.get("headers", ())]
    present = dict(headers)
    if name not in present:
        headers.append((name, request_id.encode("latin-1")))
    if _ORIGIN in present:
        headers = _exposed(headers, present.get(_EXPOSE, b""), name)
    return {**message, "headers": headers}


def _exposed(headers: list[tuple[bytes, bytes]], exposed: bytes, name: bytes) -> list[tuple[bytes, bytes]]:
    listed = {one.strip().lower() for one in exposed.split(b",")}
    if name in listed or b"*" in listed:
        return headers
    merged = exposed + b", " + name if exposed.strip() else name
    return [*(pair for pair in headers if pair[0] != _EXPOSE), (_EXPOSE, merged)]
