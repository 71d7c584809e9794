"""Exceptions as records, taken on the thread that raised them: no traceback, and so no local variable, is kept."""

from __future__ import annotations

import uuid
from contextlib import suppress
from traceback import walk_tb
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from anytel.attributes import text
from anytel.backend import ExceptionRecord, Frame, SpanContext

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Mark", "is_error", "mark", "marked", "members", "new_error_id", "snapshot"]

MAX_FRAMES = 100
MAX_CHAIN = 10
MAX_GROUP = 20
_ATTRIBUTE = "__anytel__"


class Mark(NamedTuple):
    """What is remembered on the exception itself: the innermost span it left, and its report, if there is one."""

    context: SpanContext | None
    error_id: str | None


def is_error(exc: BaseException) -> bool:
    """Say whether *exc* is an error: cancellation, generator exit, interrupt and exit are not."""
    return isinstance(exc, Exception)


def marked(exc: BaseException) -> Mark:
    """Give what is remembered on *exc*."""
    found = getattr(exc, _ATTRIBUTE, None)
    return found if isinstance(found, Mark) else Mark(None, None)


def mark(exc: BaseException, value: Mark) -> None:
    """Remember *value* on *exc*, where it takes attributes."""
    with suppress(Exception):  # one with a hostile __setattr__ is reported twice, no more
        setattr(exc, _ATTRIBUTE, value)


def new_error_id() -> str:
    """Make an id for an error report: 32 hex digits."""
    return uuid.uuid4().hex


def snapshot(exc: BaseException, depth: int = MAX_CHAIN) -> ExceptionRecord:
    """Take *exc* with its causes and members as they are now."""
    kind = type(exc)
    cause, implicit = _cause(exc)
    return ExceptionRecord(
        type=kind.__qualname__,
        module=kind.__module__,
        message=text(exc),
        frames=_frames(exc.__traceback__),
        cause=snapshot(cause, depth - 1) if cause is not None and depth > 1 else None,
        implicit=implicit,
        group=tuple(snapshot(member, depth - 1) for member in _group(exc)) if depth > 1 else (),
    )


def members(exc: BaseException, depth: int = MAX_CHAIN) -> Iterator[BaseException]:
    """Go through *exc*, its causes and the members of groups: all that one report covers."""
    yield exc
    cause, _ = _cause(exc)
    if depth > 1:
        for other in (*_group(exc), *((cause,) if cause is not None else ())):
            yield from members(other, depth - 1)


def _cause(exc: BaseException) -> tuple[BaseException | None, bool]:
    if exc.__cause__ is not None:
        return exc.__cause__, False
    return (None, False) if exc.__suppress_context__ else (exc.__context__, True)


def _group(exc: BaseException) -> tuple[BaseException, ...]:
    return exc.exceptions[:MAX_GROUP] if isinstance(exc, BaseExceptionGroup) else ()


def _frames(tb: TracebackType | None) -> tuple[Frame, ...]:
    frames = []
    for frame, line in walk_tb(tb):
        code = frame.f_code
        frames.append(Frame(code.co_filename, line, code.co_qualname, str(frame.f_globals.get("__name__", ""))))
    if len(frames) > MAX_FRAMES:  # the recursion in between says nothing new
        frames = frames[: MAX_FRAMES // 2] + frames[-MAX_FRAMES // 2 :]
    return tuple(frames)
