"""Tracebacks as text, like Python's own, from exception records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from traceback import StackSummary
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anytel.backend import ExceptionRecord, Frame

__all__ = ["qualified", "render"]

_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"
_HEADING = "Traceback (most recent call last):"


def qualified(kind: str, module: str) -> str:
    """Name a type with its module, unless that is ``builtins`` or not known: OpenTelemetry's ``exception.type``."""
    return kind if module in ("builtins", "") else f"{module}.{kind}"


def render(exception: ExceptionRecord, frames: int) -> str:
    """Give the traceback of *exception* with its causes and members, each with its innermost *frames*."""
    return "\n".join(_lines(exception, frames)) + "\n"


def _lines(exception: ExceptionRecord, frames: int) -> Iterator[str]:
    if exception.cause is not None:
        yield from _lines(exception.cause, frames)
        yield from ("", _CONTEXT if exception.implicit else _CAUSE, "")
    yield from _group(exception, frames) if exception.group else _single(exception, frames)


def _single(exception: ExceptionRecord, frames: int) -> Iterator[str]:
    if exception.frames:
        yield _HEADING
        yield from _frames(exception.frames[-frames:])
    name = exception.type if exception.module == "__main__" else exception.qualified
    yield f"{name}: {exception.message}" if exception.message else name


def _group(exception: ExceptionRecord, frames: int) -> Iterator[str]:
    heading, *rest = _single(exception, frames)
    yield f"  + {heading.replace('Traceback', 'Exception Group Traceback', 1)}"
    yield from _indented("  | ", rest)
    for place, member in enumerate(exception.group, 1):
        yield f"  {'+-+' if place == 1 else '  +'}---------------- {place} ----------------"
        yield from _indented("    | ", _lines(member, frames))
    yield "    +------------------------------------"


def _indented(margin: str, parts: Iterator[str] | Sequence[str]) -> Iterator[str]:
    for part in parts:
        yield from (margin + line for line in part.split("\n"))


def _frames(frames: Sequence[Frame]) -> Iterator[str]:
    # The summary finds the source lines, as they are now on disk, and folds recursion.
    summary = StackSummary.from_list([(frame.file, frame.line, frame.function, None) for frame in frames])
    for text in summary.format():
        yield text.removesuffix("\n")
