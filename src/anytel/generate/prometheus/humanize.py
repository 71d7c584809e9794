"""Numbers as the functions of Prometheus' templates write them, to know what an alert will say.

The rules are those of ``template/template.go`` of Prometheus; all show four significant digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

__all__ = ["FORMATS", "FOUR_DIGITS", "humanize", "humanize_duration", "humanize_percentage"]

_LARGE = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("", "m", "u", "n", "p", "f", "a", "z", "y")


def humanize(value: float) -> str:
    """Write with a metric prefix: 1234567 is ``1.235M``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.4g}"
    if abs(value) < 1:
        return _small(value)
    step = 0
    while abs(value) >= 1000 and step < len(_LARGE) - 1:
        value, step = value / 1000, step + 1
    return f"{value:.4g}{_LARGE[step]}"


def humanize_duration(value: float) -> str:
    """Write seconds as ``1h 2m 3s``, ``2.5s`` or ``12ms``."""
    if value == 0:
        return "0s"
    if not math.isfinite(value):
        return f"{value:.4g}"
    if abs(value) < 1:
        return f"{_small(value)}s"
    sign, value = "-" if value < 0 else "", abs(value)
    whole = int(value)
    days, hours, minutes, rest = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {rest}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {rest}s"
    return f"{sign}{minutes}m {rest}s" if minutes else f"{sign}{value:.4g}s"


def humanize_percentage(value: float) -> str:
    """Write a share as ``12.5%``."""
    return f"{value * 100:.4g}%"


FOUR_DIGITS = 'printf "%.4g"'
FORMATS: Mapping[str, Callable[[float], str]] = {
    FOUR_DIGITS: "{:.4g}".format,
    "humanize": humanize,
    "humanizeDuration": humanize_duration,
    "humanizePercentage": humanize_percentage,
}
"""The functions by their names in templates."""


def _small(value: float) -> str:
    step = 0
    while abs(value) < 1 and step < len(_SMALL) - 1:
        value, step = value * 1000, step + 1
    return f"{value:.4g}{_SMALL[step]}"
