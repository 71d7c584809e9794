"""The memory backend: keeps what it is sent, for tests and the demo."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, TypeAlias

from anytel.backend import Ack, Backend, ErrorRecord, LogRecord, MetricBatch, Point, SpanRecord

__all__ = ["LIMIT", "MemoryBackend", "SeriesKey", "merged"]

LIMIT = 10_000

SeriesKey: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""A metric's name, and tags sorted by name."""


class MemoryBackend(Backend):
    """Keeps the last *limit* of each: `finished` spans, metric `points`, log `events` and error `reports`.

    *limit* is 10,000 by default; with None nothing is forgotten.
    """

    name: ClassVar[str] = "memory"
    exemplars: ClassVar[bool] = True
    fidelity: ClassVar[Mapping[str, str]] = {"*": "exact"}

    def __init__(self, limit: int | None = LIMIT) -> None:
        self.finished: deque[SpanRecord] = deque(maxlen=limit)
        self.points: deque[Point] = deque(maxlen=limit)
        self.events: deque[LogRecord] = deque(maxlen=limit)
        self.reports: deque[ErrorRecord] = deque(maxlen=limit)

    def spans(self, batch: Sequence[SpanRecord], deadline: float, /) -> Ack:  # noqa: D102 -- inherited
        self.finished.extend(batch)
        return Ack(len(batch))

    def metrics(self, batch: MetricBatch, deadline: float, /) -> Ack:  # noqa: D102 -- inherited
        self.points.extend(batch.points)
        return Ack(len(batch.points))

    def logs(self, batch: Sequence[LogRecord], deadline: float, /) -> Ack:  # noqa: D102 -- inherited
        self.events.extend(batch)
        return Ack(len(batch))

    def errors(self, batch: Sequence[ErrorRecord], deadline: float, /) -> Ack:  # noqa: D102 -- inherited
        self.reports.extend(batch)
        return Ack(len(batch))

    def clear(self) -> None:
        """Forget everything."""
        for kept in (self.finished, self.points, self.events, self.reports):
            kept.clear()

    def series(self, *, fresh: bool = False) -> Mapping[SeriesKey, Sequence[Point]]:
        """Give the points by series, in their order; *fresh*: of gauges, only those of intervals that wrote them."""
        found: defaultdict[SeriesKey, list[Point]] = defaultdict(list)
        for point in list(self.points):
            if point.fresh or not fresh:
                found[point.series.name, point.series.tags].append(point)
        return found

    def value(self, name: str, **tags: str) -> float:
        """Give a metric's value over everything kept: the sum of a count, the number of samples of a distribution or
        histogram, the last value of a gauge or set. Only points with these *tags*, and maybe others, count.
        """  # noqa: D205 -- one sentence of two lines
        found = [
            merged(points)
            for (metric, pairs), points in self.series().items()
            if metric == name and tags.items() <= dict(pairs).items()
        ]
        if not found:
            return 0
        match found[0].series.kind:
            case "count":
                return sum(point.value for point in found)
            case "gauge" | "set":
                return found[-1].value
            case _:
                return sum(point.count for point in found)


def merged(points: Sequence[Point]) -> Point:
    """Bring together the *points* of one series, which are those of intervals that follow one another.

    Of a count the values are added up; of a gauge the last one counts, and of a set too, with the members of all
    intervals; of a distribution or histogram everything is added up.
    """
    last = points[-1]
    match last.series.kind:
        case "count":
            return replace(last, value=sum(point.value for point in points))
        case "gauge":
            return last
        case "set":
            return replace(last, members=sorted({member for point in points for member in point.members}))
        case _:
            return replace(
                last,
                value=math.fsum(point.value for point in points),
                count=sum(point.count for point in points),
                low=min(point.low for point in points),
                high=max(point.high for point in points),
                buckets=[sum(column) for column in zip(*(point.buckets for point in points), strict=True)],
                samples=[sample for point in points for sample in point.samples],
            )
