"""Callbacks that are asked for values when an interval ends or somebody scrapes: on a thread of their own, bounded.

No caller of ours runs them, and one that hangs keeps nobody: what it has not given in time is in the next interval.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from anytel import misuse

__all__ = ["PATIENCE", "Observers"]

PATIENCE = 1.0
"""Seconds that the end of an interval, or a scrape, waits for the callbacks."""


class Observers:
    """Functions that record to the store what they observe."""

    def __init__(self) -> None:
        self._observers: list[Callable[[], None]] = []
        self._renew()
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._running: threading.Thread | None = None
        self._starting = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._observers)

    def add(self, observe: Callable[[], None]) -> None:
        """Ask *observe* too from now on."""
        self._observers.append(observe)

    def forget(self) -> None:
        """Ask nobody any more; for tests."""
        self._observers.clear()

    def collect(self) -> None:
        """Ask all of them, and wait until they have answered or for `PATIENCE`."""
        if not self._observers:
            return
        with self._starting:
            thread = self._running
            if thread is None or not thread.is_alive():
                thread = self._running = threading.Thread(target=self._run, name="anytel-observers", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # the interpreter is going down
                    return
        thread.join(PATIENCE)
        if thread.is_alive():
            misuse.count("observer_slow")

    def _run(self) -> None:
        for observe in tuple(self._observers):
            observe()
