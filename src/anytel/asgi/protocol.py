"""The shapes of ASGI (https://asgi.readthedocs.io/en/latest/specs/main.html)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any, TypeAlias

__all__ = ["App", "Headers", "Message", "Receive", "Scope", "Send", "header"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = Collection[tuple[bytes, bytes]]


def header(pairs: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """Give the first header of that lower-case *name*, or an empty string."""
    return next((value.decode("latin-1") for key, value in pairs if key.lower() == name), "")
