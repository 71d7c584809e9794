"""Burn rates: how fast an objective's error budget goes, and when somebody has to be told.

The table for 30 days is that of Google's "The Site Reliability Workbook", chapter 5 (table 5-8). That for a week is
sloth's; those for a fortnight and a quarter keep burn rates of the same order. A window between them takes the table
with which its slowest row is still about as fast as evenly over the window: slower ones would alert on what is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from anytel.catalogue.alert import Severity
from anytel.catalogue.durations import seconds

__all__ = ["SLOWEST", "Burn", "burns"]


class Burn(NamedTuple):
    """One alert on the error budget: *percent* of it gone within *long*, and still going within *short*."""

    severity: Severity
    long: str
    short: str
    percent: Decimal
    factor: Decimal

    def threshold(self, budget: Decimal) -> Decimal:
        """Give the share of bad events above which it alerts."""
        return self.factor * budget


_WINDOWS: Sequence[tuple[Severity, str, str]] = (
    ("critical", "1h", "5m"),
    ("critical", "6h", "30m"),
    ("warning", "1d", "2h"),
    ("warning", "3d", "6h"),
)
_DAY = 86_400
_PERCENT: Mapping[int, Sequence[str]] = {
    54: ("1", "2", "4", "5"),
    27: ("2", "5", "10", "10"),
    14: ("4", "10", "20", "20"),
    0: ("8", "12.5", "20", "42"),
}
"""Of the budget, in the order of `_WINDOWS`, for windows of so many days and more."""
SLOWEST = Decimal("0.9")
"""The least factor of the last row: 28 days and a week are a little below 1, as sloth's are."""


def burns(window: str) -> list[Burn]:
    """Give the alerts for an objective over *window*, the fastest first.

    A *factor* is how many times faster than evenly over the window the budget goes: its share gone, by the share of
    time it took.
    """
    period = seconds(window)
    percents = next(percents for days, percents in _PERCENT.items() if period >= days * _DAY)
    return [
        Burn(severity, long, short, Decimal(percent), Decimal(percent) / 100 * period / seconds(long))
        for (severity, long, short), percent in zip(_WINDOWS, percents, strict=True)
    ]
