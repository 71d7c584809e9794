"""Names, tags and values as DogStatsD can carry them.

The rules are Datadog's: a metric's name begins with a letter and has ASCII letters, digits, underscores and dots; a
tag begins with a letter, may also have hyphens, colons and slashes, and does not end with a colon; both have at most
200 characters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from anytel.backend import Series, Spelling

__all__ = ["MAX_LENGTH", "metric_name", "number", "set_member", "spelling", "tag"]

MAX_LENGTH = 200
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_.]")
_NOT_IN_TAG = re.compile(r"[^\w\-:./]")
_NOT_IN_MEMBER = re.compile(r"[|\x00-\x1f\x7f]")
_EXACT = 2**53
# https://docs.datadoghq.com/metrics/units/
_UNITS: Mapping[str, str] = {
    "ns": "nanosecond",
    "us": "microsecond",
    "ms": "millisecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "By": "byte",
    "KiBy": "kibibyte",
    "MiBy": "mebibyte",
    "GiBy": "gibibyte",
    "TiBy": "tebibyte",
    "bit": "bit",
    "%": "percent",
    "1": "fraction",
    "Hz": "hertz",
    "Cel": "degree celsius",
}


def metric_name(name: str) -> str:
    """Give *name* as Datadog allows it."""
    name = _NOT_IN_NAME.sub("_", name)[:MAX_LENGTH]
    return name if name[:1].isalpha() else f"m_{name}"[:MAX_LENGTH]


def tag(key: str, value: str) -> str:
    """Give a tag as Datadog allows it; one with an empty value is the key alone."""
    text = _NOT_IN_TAG.sub("_", f"{key.replace(':', '_')}:{value}")
    text = text if text[:1].isalpha() else f"t_{text}"
    return text[:MAX_LENGTH].rstrip(":")


def set_member(value: str) -> str:
    """Give a member of a set so that it ends no line and no section, and is not empty."""
    return _NOT_IN_MEMBER.sub(lambda found: f"%{ord(found[0]):02X}", value) or "%00"


def number(value: float) -> float:
    """Give *value*, as an integer where it is one: ``1`` and not ``1.0`` on the wire."""
    return int(value) if abs(value) < _EXACT and value == int(value) else value


def spelling(series: Series) -> Spelling:
    """Give the names of a metric in Datadog's queries. A histogram is there as a gauge for each of its aggregations."""
    name = metric_name(series.name)
    aggregated = ("avg", "count", "max", "median", "95percentile") if series.kind == "histogram" else ()
    names = tuple(f"{name}.{word}" for word in aggregated) or (name,)
    return Spelling(
        name=name,
        type="gauge" if series.kind == "set" else series.kind,
        unit=_UNITS.get(series.unit, ""),
        series=names,
        reserved=frozenset({name, *names}),
        tags={key: tag(key, "x").rpartition(":")[0] for key, _ in series.tags},
    )
