"""The truth: what was emitted, kept in memory beside the vendors' backends."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence

from anytel.backend import ErrorRecord, LogRecord, Point, SpanRecord
from anytel.backends.memory import MemoryBackend
from anytel.demo.seen import Catalogue, Metric, Reading, Seen, SeenError, SeenLog, SeenSpan, SeriesKey
from anytel.tracing.ids import span_hex, trace_hex

__all__ = ["Recorder"]


class Recorder(MemoryBackend):
    """A memory backend that forgets nothing, and tells what it keeps as the observers do."""

    def __init__(self) -> None:
        super().__init__()
        self.finished: deque[SpanRecord] = deque()
        self.points: deque[Point] = deque()
        self.events: deque[LogRecord] = deque()
        self.reports: deque[ErrorRecord] = deque()

    def series(self) -> Mapping[SeriesKey, Sequence[Point]]:
        """Give the points by series; of gauges those of intervals in which they were written."""
        found: defaultdict[SeriesKey, list[Point]] = defaultdict(list)
        for point in self.points:
            if point.fresh:
                found[SeriesKey(point.series.name, point.series.tags)].append(point)
        return found

    def catalogue(self) -> Catalogue:
        """Give the series that were recorded."""
        return {key: Metric(points[0].series.kind, points[0].series.unit) for key, points in self.series().items()}

    def seen(self) -> Seen:
        """Tell what was emitted."""
        series = self.series()
        return Seen(
            place="emitted",
            spans=[_span(span) for span in self.finished],
            errors=[_error(report) for report in self.reports],
            logs=[SeenLog(event.message, *_ids(event)) for event in self.events],
            metrics={key: _reading(points) for key, points in series.items()},
            reduced=frozenset(key for key, points in series.items() if _is_reduced(points)),
        )


def _span(span: SpanRecord) -> SeenSpan:
    return SeenSpan(
        trace_hex(span.context.trace_id),
        span_hex(span.context.span_id),
        span_hex(span.parent_id) if span.parent_id else "",
        span.name,
        span.service,
        span.status == "error",
        span.start_ns,
        span.end_ns,
    )


def _error(report: ErrorRecord) -> SeenError:
    about = report.exception.type if report.exception is not None else report.message
    return SeenError(report.id, about, *_ids(report))


def _ids(record: ErrorRecord | LogRecord) -> tuple[str, str]:
    context = record.context
    return (trace_hex(context.trace_id), span_hex(context.span_id)) if context is not None else ("", "")


def _reading(points: Sequence[Point]) -> Reading:
    last = points[-1]
    match kind := last.series.kind:
        case "count":
            return Reading(kind=kind, value=math.fsum(point.value for point in points))
        case "gauge":
            return Reading(kind=kind, value=last.value)
        case "set":
            members = {member for point in points for member in point.members}
            return Reading(kind=kind, value=last.value, count=len(members))
        case _:
            buckets = [sum(column) for column in zip(*(point.buckets for point in points), strict=True)]
            total = math.fsum(point.value for point in points)
            return Reading(kind=kind, value=total, count=sum(point.count for point in points), buckets=tuple(buckets))


def _is_reduced(points: Sequence[Point]) -> bool:
    sampled = points[-1].series.kind in ("distribution", "histogram")
    return sampled and any(len(point.samples) < point.count for point in points)
