"""Log lines that are counted: what is asked of the logs, where there is no metric for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Expression
from anytel.place import declaring

__all__ = ["LEVELS", "Field", "Lines", "wrong"]

LEVELS = ("debug", "info", "warning", "error", "critical")
Field: TypeAlias = str | float | bool
"""A value that a log line has; in a text, ``*`` stands for any characters."""


class Lines(Expression):
    """How many log lines there were within *window*, as Loki counts them; other vendors leave it out.

    Args:
        event: What the lines say, the first argument of ``log.info``; ``*`` stands for any characters.
        level: Their level.
        where: Fields of the lines -> value, or several values.
        by: The fields that tell its values apart: few values each, never an id.
        window: The stretch of time.
    """

    def __init__(
        self,
        event: str = "",
        *,
        level: str = "",
        where: Mapping[str, Field | Iterable[Field]] | None = None,
        by: str | Iterable[str] = (),
        window: str = "5m",
    ) -> None:
        self.place = declaring()
        self.event, self.level, self._window = event, level, window
        self.where = {name: _several(given) for name, given in (where or {}).items()}
        self._by = (by,) if isinstance(by, str) else tuple(by)

    @property
    def by(self) -> tuple[str, ...]:
        """The fields that tell its values apart."""
        return self._by

    @property
    def window(self) -> str:
        """The stretch of time that each value looks back on."""
        return self._window


_IDS = ("trace_id", "span_id", "request_id", "user.id", "session_id", "timestamp", "event_id")


def wrong(lines: Lines) -> Iterator[tuple[str, str]]:
    """Give what is wrong with one, and the fix."""
    if not (lines.event or lines.level or lines.where):
        yield "these are all log lines", "Say which: event, level= or where=."
    if lines.level and lines.level not in LEVELS:
        yield f"there is no level {lines.level!r}", f"Use one of {', '.join(LEVELS)}."
    for name in lines.by:
        if name in _IDS:
            yield f"by {name} there are as many values as lines", "Leave it out of by=; look it up in the lines."
    for name, values in lines.where.items():
        if not values or "" in values:
            yield f"{name} has no value to match", "Give one, or '*' for any."
    try:
        if not seconds(lines.window):
            yield "the window is empty", "Give a duration above 0."
    except ValueError as exc:
        yield f"the window: {exc}", "Write a number and one of s, m, h, d, w."


def _several(given: Field | Iterable[Field]) -> tuple[Field, ...]:
    return (given,) if isinstance(given, str | int | float | bool) else tuple(given)
