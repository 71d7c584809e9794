"""The guard: the one place where what a backend raises is caught, counted and reported."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress

from anytel.attributes import text
from anytel.redaction import encodable

__all__ = ["Guard", "logger"]

QUIET = 60.0
"""Seconds between two reports of the same kind of failure."""

logger = logging.getLogger("anytel")


class Guard:
    """Reports a backend's failures: the first of a kind at once, then at most one a minute."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.RLock()  # reentrant, as everything that a signal handler may come to
        self._reported: dict[str, float] = {}
        self._since: dict[str, int] = {}

    def failed(self, doing: str, problem: BaseException | str) -> None:
        """Report that the backend failed at *doing*; never raises."""
        kind = f"{doing}:{problem if isinstance(problem, str) else type(problem).__name__}"
        with self._lock:
            now = time.monotonic()
            if now - self._reported.get(kind, -QUIET) < QUIET:
                self._since[kind] = self._since.get(kind, 0) + 1
                return
            self._reported[kind] = now
            more = self._since.pop(kind, 0)
        again = f" ({more} more since the last report)" if more else ""
        shown = problem if isinstance(problem, str) else f"{type(problem).__name__}: {text(problem)[:300]}"
        with suppress(Exception):  # a log handler of the application's may raise
            logger.warning("backend %r failed at %s: %s%s", self._name, doing, encodable(shown), again)
