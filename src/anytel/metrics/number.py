"""What counts as a number, and how far sums go."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable

__all__ = ["LARGEST", "bounded", "number", "total"]

LARGEST = sys.float_info.max
_INT64 = 2**63


def number(value: object) -> float:
    """Give *value* as a float. Text is no number, also where it reads like one.

    Raises:
        TypeError, ValueError, OverflowError: *value* is none.
    """
    if isinstance(value, str | bytes | bytearray):
        raise TypeError("text is no number")
    return float(value)  # type: ignore[arg-type]  # what float cannot take is the error


def bounded(value: float) -> float:
    """Give a sum as backends can take it: an integer within 64 signed bits, or a finite float."""
    if isinstance(value, int):
        return value if value < _INT64 else float(min(value, int(LARGEST)))
    return max(-LARGEST, min(value, LARGEST))


def total(values: Iterable[float]) -> float:
    """Add finite *values* without losing digits; a sum beyond the largest float is that."""
    try:
        return math.fsum(values)
    except OverflowError:
        return bounded(sum(values))
