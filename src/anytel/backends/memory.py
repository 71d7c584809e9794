"""The memory backend: keeps what it is sent, for tests and the demo."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import ClassVar

from anytel.backend import Ack, Backend, ErrorRecord, LogRecord, MetricBatch, Point, SpanRecord

__all__ = ["MemoryBackend"]

LIMIT = 10_000


class MemoryBackend(Backend):
    """Keeps the last 10,000 of each: `finished` spans, metric `points`, log `events` and error `reports`."""

    name: ClassVar[str] = "memory"
    exemplars: ClassVar[bool] = True
    fidelity: ClassVar[Mapping[str, str]] = {"*": "exact"}

    def __init__(self) -> None:
        self.finished: deque[SpanRecord] = deque(maxlen=LIMIT)
        self.points: deque[Point] = deque(maxlen=LIMIT)
        self.events: deque[LogRecord] = deque(maxlen=LIMIT)
        self.reports: deque[ErrorRecord] = deque(maxlen=LIMIT)

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

    def value(self, name: str, **tags: str) -> float:
        """Give a metric's value over everything kept: the sum of a count, the number of samples of a distribution or
        histogram, the last value of a gauge or set. Only points with these *tags*, and maybe others, count.
        """  # noqa: D205 -- one sentence of two lines
        found = [
            point
            for point in self.points
            if point.series.name == name and tags.items() <= dict(point.series.tags).items()
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
