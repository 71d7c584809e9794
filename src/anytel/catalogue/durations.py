"""Durations, as Prometheus writes them: ``30s``, ``5m``, ``1h30m``, ``30d``."""

from __future__ import annotations

import re

__all__ = ["seconds", "written"]

_UNITS = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile("".join(rf"(?:(\d+){unit})?" for unit in _UNITS))


def seconds(duration: object) -> int:
    """Give the seconds of a *duration*; ``0s`` is none.

    Raises:
        ValueError: It is no duration.
    """
    found = _DURATION.fullmatch(duration) if isinstance(duration, str) else None
    if found is None or not duration:
        raise ValueError(f"{duration!r} is no duration such as 30s, 5m, 1h30m or 30d")
    return sum(int(number) * _UNITS[unit] for number, unit in zip(found.groups(), _UNITS, strict=True) if number)


def written(amount: int) -> str:
    """Write seconds in the largest unit that divides them: ``5m``, ``36h``."""
    unit = next(unit for unit in ("d", "h", "m", "s") if amount % _UNITS[unit] == 0)
    return f"{amount // _UNITS[unit]}{unit}"
