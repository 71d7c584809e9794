"""Mutes: when nobody wants to be told, again and again, such as at night or on weekends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from anytel.catalogue import declared
from anytel.catalogue.alert import Severity
from anytel.catalogue.declared import several
from anytel.place import declaring

__all__ = ["DAYS", "MONTHS", "Mute", "clock", "span"]

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
"""In the order that Alertmanager counts them in: a range that goes beyond Saturday is refused by it."""
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


class Mute:
    """Nobody is told within this time, of alerts of *severities* and *owners*; it is told afterwards of what goes on.

    It returns by itself. What is silenced once, for some hours, is a silence of Alertmanager instead.

    Args:
        name: No other mute has it.
        days: Of the week: ``saturday``, ``monday:friday``; a range may go over the end of the week.
        times: Of the day: ``22:00-06:00``; what goes over midnight belongs to the day on which it began.
        dates: Of the month: ``1``, ``24:26``, ``-1`` for the last one.
        months: ``december``, ``june:august``.
        timezone: What the times are told in, such as ``Europe/Berlin``.
        severities: Which alerts; a critical one only if it is named here.
        owners: Whose alerts; none given: everybody's.
    """

    def __init__(
        self,
        name: str,
        *,
        days: str | Iterable[str] = (),
        times: str | Iterable[str] = (),
        dates: str | Iterable[str] = (),
        months: str | Iterable[str] = (),
        timezone: str = "UTC",
        severities: Severity | Iterable[Severity] = ("warning", "info"),
        owners: str | Iterable[str] = (),
    ) -> None:
        self.place = declaring()
        self.name, self.timezone = name, timezone
        self.days, self.times, self.dates, self.months = map(several, (days, times, dates, months))
        self.severities, self.owners = several(severities), several(owners)
        declared.add(self)

    def __repr__(self) -> str:
        return f"<anytel.Mute {self.name!r}>"

    def mutes(self, severity: str, owner: str) -> bool:
        """Whether alerts of a severity and an owner are meant."""
        return severity in self.severities and (not self.owners or owner in self.owners)


def span(given: str, known: Sequence[str]) -> list[int]:
    """Give the places in *known* of ``one`` or of ``first:last``, which may go round its end.

    Raises:
        ValueError: One of the two is not among them.
    """
    first, _, last = given.strip().lower().partition(":")
    start, end = known.index(first), known.index(last or first)
    return [place % len(known) for place in range(start, end + 1 if end >= start else end + 1 + len(known))]


def clock(given: str) -> tuple[int, int]:
    """Give the minutes of the day of ``22:00-06:00``; an end that is not after the start is on the next day.

    Raises:
        ValueError: It is no such pair.
    """
    start, end = (_minutes(one) for one in given.split("-", 1))
    return start, end if end > start else end + _DAY


_DAY = 24 * 60


def _minutes(given: str) -> int:
    hour, minute = given.strip().split(":")
    found = int(hour) * 60 + int(minute)
    if not (len(minute) == 2 and 0 <= int(minute) < 60 and 0 <= found <= _DAY):
        raise ValueError(given)
    return found
