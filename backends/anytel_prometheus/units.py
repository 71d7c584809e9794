"""Units: from UCUM, as OpenTelemetry writes them, to the words and base units of Prometheus.

The words are those of OpenTelemetry's "Prometheus and OpenMetrics Compatibility" and of Prometheus' ``otlptranslator``.
Unlike these, multiples of seconds and bytes become seconds and bytes, values and bucket bounds with them: Prometheus'
naming practice asks for base units, and one spelling per quantity keeps dashboards and rules the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

__all__ = ["Unit", "unit_of"]


class Unit(NamedTuple):
    """The *word* that ends a metric's name ("" for none) and the ratio of our values to Prometheus'."""

    word: str
    multiply: int = 1
    divide: int = 1

    def scaled(self, value: float) -> float:
        """Convert a recorded value; dividing by a whole number keeps 5 ms exactly 0.005."""
        return value if self.multiply == self.divide else value * self.multiply / self.divide


_BASE = {
    "seconds": {
        "s second seconds": (1, 1),
        "ms millisecond milliseconds": (1, 10**3),
        "us µs μs microsecond microseconds": (1, 10**6),
        "ns nanosecond nanoseconds": (1, 10**9),
        "min minute minutes": (60, 1),
        "h hour hours": (3600, 1),
        "d day days": (86400, 1),
    },
    "bytes": {
        "By byte bytes": (1, 1),
        "kBy KBy kilobyte kilobytes": (10**3, 1),
        "MBy megabyte megabytes": (10**6, 1),
        "GBy gigabyte gigabytes": (10**9, 1),
        "TBy terabyte terabytes": (10**12, 1),
        "KiBy kibibyte kibibytes": (2**10, 1),
        "MiBy mebibyte mebibytes": (2**20, 1),
        "GiBy gibibyte gibibytes": (2**30, 1),
        "TiBy tebibyte tebibytes": (2**40, 1),
    },
}
_PLAIN = {
    "1": "",
    "%": "percent",
    "bit": "bits",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
}
_UNITS: Mapping[str, Unit] = {
    **{unit: Unit(word) for unit, word in _PLAIN.items()},
    **{
        spelling: Unit(word, multiply, divide)
        for word, multiples in _BASE.items()
        for spellings, (multiply, divide) in multiples.items()
        for spelling in spellings.split()
    },
}
_PER: Mapping[str, str] = {
    "s": "second",
    "min": "minute",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "wk": "week",
    "w": "week",
    "mo": "month",
    "a": "year",
    "y": "year",
}
_ANNOTATION = re.compile(r"\{[^}]*\}")
_NOT_A_WORD = re.compile(r"[^a-zA-Z0-9]+")


@cache
def unit_of(unit: str) -> Unit:
    """Give the Prometheus unit of a UCUM *unit*: "ms" is seconds by 1000, "By/s" bytes_per_second, "{call}" nothing.

    A unit that is not known is taken as a word.
    """
    main, _, per = _ANNOTATION.sub("", unit).strip().partition("/")
    known = _UNITS.get(main) or Unit(_word(main))
    rate = _PER.get(per) or _word(per)
    return known._replace(word=f"{known.word}_per_{rate}".lstrip("_")) if rate else known


def _word(text: str) -> str:
    return _NOT_A_WORD.sub("_", text).strip("_")
