"""What happens to all background writers when the process forks, exits or is told to end."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import weakref
from types import FrameType
from typing import Protocol

__all__ = ["EXIT_TIMEOUT", "before_child_ends", "flush_on_signals", "watch"]

EXIT_TIMEOUT = 2.0
"""Seconds that the exit of the process waits for lines to be written, all writers together."""


class Writer(Protocol):
    """What is asked of a writer here."""

    def flush(self, timeout: float) -> bool:
        """Write everything that waits."""

    def close(self, timeout: float) -> bool:
        """Write everything and end."""

    def pause(self) -> None:
        """Let no write be under way until `resume`."""

    def resume(self) -> None:
        """Go on after `pause`."""

    def forget(self) -> None:
        """Be as new, in a forked child."""


_live: weakref.WeakSet[Writer] = weakref.WeakSet()


class _Paused(threading.local):
    """The writers that the fork of this thread has paused."""

    def __init__(self) -> None:
        self.writers: list[Writer] = []


_paused = _Paused()


def watch(writer: Writer) -> None:
    """Take care of *writer* as long as it lives."""
    _live.add(writer)


def _before_fork() -> None:
    for writer in sorted(_live, key=id):  # one order for all threads that fork
        writer.pause()
        _paused.writers.append(writer)


def _after_fork_in_parent() -> None:
    while _paused.writers:
        _paused.writers.pop().resume()


def _after_fork_in_child() -> None:
    _paused.writers.clear()
    for writer in list(_live):
        writer.forget()


def _close_all() -> None:
    deadline = time.monotonic() + EXIT_TIMEOUT
    for writer in list(_live):
        writer.close(max(deadline - time.monotonic(), 0.0))


def before_child_ends() -> None:
    """Have the writers closed at the end of a forked `multiprocessing` child, which runs no `atexit` before 3.13."""
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and processes.parent_process() is not None:
        from multiprocessing import util  # noqa: PLC0415 -- only here

        util.Finalize(None, _close_all, exitpriority=0)


def flush_on_signals(*numbers: int) -> None:
    """Write what waits before a signal ends the process: by default SIGTERM and SIGHUP; call it in the main thread.

    Only where the signal would end the process by its default action; a handler of the application stays, since it
    ends the process by an exit that flushes. The process still dies of the signal, after at most `EXIT_TIMEOUT`
    seconds. A main thread that never returns from C code runs no handler.
    """
    for number in numbers or (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _flush_and_die)


def _flush_and_die(number: int, frame: FrameType | None) -> None:
    deadline = time.monotonic() + EXIT_TIMEOUT
    for writer in list(_live):
        writer.flush(max(deadline - time.monotonic(), 0.0))
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
atexit.register(_close_all)
