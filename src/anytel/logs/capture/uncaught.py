"""Exceptions that nobody caught, of the main thread, of threads and of asyncio: one line and one report for each."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from anytel.api import capture_exception
from anytel.logs import logger as logs
from anytel.logs.capture.stdlib import EVENT
from anytel.tracing import exceptions

__all__ = ["UNCAUGHT", "install", "uninstall"]

UNCAUGHT = "uncaught_exception"
"""The event of the line."""

ExceptHook = Callable[[type[BaseException], BaseException, TracebackType | None], object]
ThreadHook = Callable[["threading.ExceptHookArgs"], object]


class _Told(threading.local):
    """What this thread's outermost hook has told of: hooks of ours that are further in have nothing to add."""

    exc: BaseException | None = None


_told = _Told()


@contextmanager
def _telling(exc: BaseException | None) -> Iterator[None]:
    before, _told.exc = _told.exc, exc
    try:
        yield
    finally:
        _told.exc = before


class _Hooks:
    """Our hooks and those they have replaced; once inactive they only pass on what still reaches them."""

    def __init__(self) -> None:
        self.active = True
        self.main: ExceptHook = self._main
        self.thread: ThreadHook = self._thread
        self._before: tuple[ExceptHook, ThreadHook] = sys.excepthook, threading.excepthook

    def put(self) -> None:
        sys.excepthook, threading.excepthook = self.main, self.thread
        logging.getLogger("asyncio").addFilter(self.asyncio)

    def undo(self) -> None:
        self.active = False
        main, thread = self._before
        if sys.excepthook is self.main:
            sys.excepthook = main
        if threading.excepthook is self.thread:
            threading.excepthook = thread
        logging.getLogger("asyncio").removeFilter(self.asyncio)

    def in_place(self) -> bool:
        """Whether both hooks are those that Python calls, as far as can be seen."""
        return sys.excepthook is self.main and threading.excepthook is self.thread

    def _main(self, kind: type[BaseException], exc: BaseException, tb: TracebackType | None) -> None:
        interactive = hasattr(sys, "ps1")  # where an exception ends nothing
        told = exc is _told.exc or (self.active and not interactive and _tell(exc, "main"))
        previous = self._before[0]
        if not (told and previous is sys.__excepthook__):
            with _telling(exc if told else None):
                previous(kind, exc, tb)

    def _thread(self, args: threading.ExceptHookArgs) -> None:
        exc, name = args.exc_value, args.thread.name if args.thread is not None else ""
        told = exc is not None and (exc is _told.exc or (self.active and _tell(exc, name)))
        previous = self._before[1]
        if not (told and previous is threading.__excepthook__):
            with _telling(exc if told else None):
                previous(args)

    def asyncio(self, record: logging.LogRecord) -> bool:
        """Report what an event loop's default exception handler logs; its record becomes the line."""
        exc = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if record.levelno >= logging.ERROR and exc is not None and exceptions.is_error(exc):
            said = {"asyncio": record.getMessage()}
            capture_exception(exc, said, handled=False)
            vars(record)[EVENT] = (UNCAUGHT, said)
        return True


def _tell(exc: BaseException, thread: str) -> bool:
    """Report *exc* and write its line; whether whoever would read the interpreter's traceback sees that line.

    Interrupts and exits are no errors: nothing is done about them.
    """
    if not exceptions.is_error(exc):
        return False
    capture_exception(exc, {"thread.name": thread}, handled=False)
    logs.emit("anytel.uncaught", "critical", UNCAUGHT, {"exc_info": exc, "thread.name": thread})
    return _line_is_seen()


def _line_is_seen() -> bool:
    """Say whether standard output takes lines, and is no less visible than the standard error output.

    Only where that one alone is a terminal, somebody sits there and sees nothing of a line.
    """
    try:
        return not sys.stdout.closed and (sys.stdout.isatty() or not sys.stderr.isatty())
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


_hooks: _Hooks | None = None


def install() -> None:
    """Have uncaught exceptions logged as `UNCAUGHT` and reported as not handled.

    Hooks that others have set are called as before. Those of the interpreter, which print a traceback, are called only
    where nobody would see the line: where the standard error output is a terminal and standard output is not.
    """
    global _hooks  # noqa: PLW0603 -- one process has one set
    if _hooks is None or not _hooks.in_place():
        uninstall()
        _hooks = _Hooks()
        _hooks.put()


def uninstall() -> None:
    """Undo `install`; a hook that somebody has put around ours stays, and ours only passes on."""
    global _hooks  # noqa: PLW0603 -- as above
    if _hooks is not None:
        _hooks.undo()
        _hooks = None
