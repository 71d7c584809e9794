"""Bad input to the API: refused, counted, reported once of a kind; an error where the strict setting is on."""

from __future__ import annotations

import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from anytel.errors import MisuseError
from anytel.redaction import encodable

__all__ = ["count", "counts", "refuse", "reset", "set_aside", "set_strict", "shown"]

T = TypeVar("T")

counts: Counter[str] = Counter()
"""How often something was refused, by reason."""
_warned: set[str] = set()
_lock = threading.RLock()
_strict = False
_told: Callable[[str, str], None] | None = None
_MAX_WARNED = 1_000


def set_strict(strict: bool) -> None:
    """Raise `MisuseError` instead of counting."""
    global _strict  # noqa: PLW0603 -- one process has one setting
    _strict = strict


def refuse(reason: str, message: str, result: T, *, once: str = "") -> T:
    """Count a refusal, warn at the first with that message (or that *once*), and give *result*.

    Raises:
        MisuseError: With ``TELEMETRY_STRICT=1``, unless it was a library that called, through OpenTelemetry's API.
    """
    with _lock:
        counts[reason] += 1
        key = once or message
        first = key not in _warned and len(_warned) < _MAX_WARNED
        if first:
            _warned.add(key)
    if _told is not None:
        _told(reason, message)
    if _strict and not _through_otel():
        raise MisuseError(message)
    if first:
        with suppress(Exception):  # a log handler of the application's may raise
            more = "(further ones are only counted: anytel.stats().refused)"
            logging.getLogger("anytel").warning("%s %s", encodable(message), more)
    return result


def _through_otel() -> bool:
    """Say whether the call came by OpenTelemetry's API: the mistakes of libraries are not the application's."""
    frame = sys._getframe(2)
    while (module := str(frame.f_globals.get("__name__", ""))).startswith("anytel."):
        if module.startswith("anytel.otel."):
            return True
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False


def count(reason: str, number: int = 1) -> None:
    """Count what was refused and is not the caller's fault, or was found too late to tell the caller."""
    with _lock:
        counts[reason] += number


def shown(value: object) -> str:
    """Give *value* as Python writes it, for a message: bounded; never raises."""
    try:
        return repr(value)[:200]
    except Exception:
        return f"<unprintable {type(value).__name__}>"


def reset() -> None:
    """Forget all counts and warnings, as in a new process."""
    global _lock  # noqa: PLW0603 -- a forked child may have inherited it locked
    _lock = threading.RLock()
    counts.clear()
    _warned.clear()


def set_aside(told: Callable[[str, str], None]) -> Callable[[], None]:
    """Begin anew, with *told* called at every refusal with its reason and message; gives what undoes this."""
    global _told  # noqa: PLW0603 -- one process has one
    kept = Counter(counts), set(_warned), _told
    reset()
    _told = told

    def restore() -> None:
        global _told  # noqa: PLW0603 -- as above
        reset()
        counts.update(kept[0])
        _warned.update(kept[1])
        _told = kept[2]

    return restore
