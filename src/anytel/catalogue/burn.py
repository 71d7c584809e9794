"""Burn rates: how fast an objective's error budget goes, and when somebody has to be told.

The table for 30 days is that of Google's "The Site Reliability Workbook", chapter 5 (table 5-8). That for a week is
sloth's; that for a quarter keeps burn rates of the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from anytel.catalogue.alert import Severity
from anytel.catalogue.durations import seconds

__all__ = ["Burn", "burns"]


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
_PERCENT = {"week": ("8", "12.5", "20", "42"), "month": ("2", "5", "10", "10"), "quarter": ("1", "2", "4", "5")}


def burns(window: str) -> list[Burn]:
    """Give the alerts for an objective over *window*, the fastest first.

    A *factor* is how many times faster than evenly over the window the budget goes: its share gone, by the share of
    time it took.
    """
    period = seconds(window)
    percents = _PERCENT["week" if period < 14 * _DAY else "month" if period <= 45 * _DAY else "quarter"]
    return [
        Burn(severity, long, short, Decimal(percent), Decimal(percent) / 100 * period / seconds(long))
        for (severity, long, short), percent in zip(_WINDOWS, percents, strict=True)
    ]
