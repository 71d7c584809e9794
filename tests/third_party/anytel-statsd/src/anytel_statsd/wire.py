"""Points as lines of StatsD.

The format is https://github.com/statsd/statsd/blob/master/docs/metric_types.md, with the ``h`` (histogram) that most of
today's servers take too.
"""

import re
from collections.abc import Iterator

from anytel.backend import Point, Series

__all__ = ["lines", "name_of"]

_RESERVED = re.compile(r"[^A-Za-z0-9_.\-]")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}


def name_of(series: Series) -> str:
    """Name a series: StatsD has no tags, so they become parts of the name, as its users write them by hand."""
    parts = [series.name, *(part for tag in series.tags for part in tag)]
    return ".".join(_RESERVED.sub("_", part) for part in parts)


def lines(point: Point) -> Iterator[str]:
    """Give the lines of one point."""
    name, kind = name_of(point.series), point.series.kind
    if kind == "count":
        yield f"{name}:{_number(point.value)}|c"
    elif kind == "gauge":
        yield from _gauge(name, point)
    elif kind == "set":
        yield from (f"{name}:{_RESERVED.sub('_', member) or '_'}|s" for member in point.members)
    else:
        yield from _samples(name, point)


def _gauge(name: str, point: Point) -> Iterator[str]:
    if point.fresh:
        if point.value < 0:  # a sign makes the value relative to the last one, which must be 0 then
            yield f"{name}:0|g"
        yield f"{name}:{_number(point.value)}|g"


def _samples(name: str, point: Point) -> Iterator[str]:
    """Give times as timers, which are in milliseconds, other samples as histograms; with the rate, where sampled."""
    seconds = _SECONDS.get(point.series.unit)
    factor, kind = (1.0, "h") if seconds is None else (seconds * 1e3, "ms")
    sampled = len(point.samples) < point.count
    rate = f"|@{len(point.samples) / point.count:.6f}" if sampled else ""
    yield from (f"{name}:{_number(sample * factor)}|{kind}{rate}" for sample in point.samples)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
