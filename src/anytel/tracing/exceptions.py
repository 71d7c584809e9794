"""Exceptions as records, taken on the thread that raised them: no traceback, and so no local variable, is kept."""

from __future__ import annotations

from contextlib import suppress
from traceback import walk_tb
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from anytel.attributes import text
from anytel.backend import ExceptionRecord, Frame, SpanContext
from anytel.tracing.ids import getrandbits, trace_hex

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Mark", "is_error", "mark", "marked", "members", "new_error_id", "snapshot"]

MAX_FRAMES = 100
MAX_CHAIN = 10
MAX_GROUP = 20
MAX_EXCEPTIONS = 100
_ATTRIBUTE = "__anytel__"


class Mark(NamedTuple):
    """What is remembered on the exception itself: the innermost span it left, and its report, if there is one.

    *reserved* is the id under which a vendor's own SDK has reported it, which our report takes.
    """

    context: SpanContext | None
    error_id: str | None
    reserved: str = ""


def is_error(exc: BaseException) -> bool:
    """Say whether *exc* is an error: cancellation, generator exit, interrupt and exit are not."""
    return isinstance(exc, Exception)


def marked(exc: BaseException) -> Mark:
    """Give what is remembered on *exc*."""
    found: object = None
    with suppress(Exception):  # one with a hostile __getattr__ is reported twice, no more
        found = getattr(exc, _ATTRIBUTE, None)
    return found if type(found) is Mark else Mark(None, None)


def mark(exc: BaseException, value: Mark) -> None:
    """Remember *value* on *exc*, where it takes attributes."""
    with suppress(Exception):  # as above
        setattr(exc, _ATTRIBUTE, value)


def new_error_id() -> str:
    """Make an id for an error report: 32 hex digits."""
    return trace_hex(getrandbits(128) or 1)


def snapshot(exc: BaseException) -> ExceptionRecord:
    """Take *exc* with its causes and members as they are now, each of them once."""
    return _snapshot(exc, {id(exc)}, MAX_CHAIN)


def _snapshot(exc: BaseException, seen: set[int], depth: int) -> ExceptionRecord:
    kind = type(exc)
    cause, implicit = _cause(exc)
    # The members before what is below one of them: there may be more than are taken.
    group = [member for member in _group(exc) if _new(member, seen, depth)]
    return ExceptionRecord(
        type=kind.__qualname__,
        module=str(kind.__module__),
        message=text(exc),
        frames=_frames(exc.__traceback__),
        cause=_snapshot(cause, seen, depth - 1) if cause is not None and _new(cause, seen, depth) else None,
        implicit=implicit,
        group=tuple(_snapshot(member, seen, depth - 1) for member in group),
    )


def _new(exc: BaseException, seen: set[int], depth: int) -> bool:
    """Say whether *exc* belongs into the snapshot: groups that share causes have very many paths to each."""
    if depth <= 1 or id(exc) in seen or len(seen) >= MAX_EXCEPTIONS:
        return False
    seen.add(id(exc))
    return True


def members(exc: BaseException) -> Iterator[BaseException]:
    """Go through *exc*, its causes and the members of groups: all that one report covers."""
    seen, rest = {id(exc)}, [(exc, MAX_CHAIN)]
    while rest:
        one, depth = rest.pop()
        yield one
        cause, _ = _cause(one)
        others = (*_group(one), *((cause,) if cause is not None else ()))
        rest.extend((other, depth - 1) for other in others if _new(other, seen, depth))


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
