"""The truth: what was emitted, kept in memory beside the vendors' backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anytel.backend import ErrorRecord, LogRecord, Point, SpanRecord
from anytel.backends.memory import MemoryBackend, merged
from anytel.testing.observe.seen import Catalogue, Metric, Reading, Seen, SeenError, SeenLog, SeenSpan, SeriesKey
from anytel.tracing.ids import span_hex, trace_hex

__all__ = ["Recorder"]


class Recorder(MemoryBackend):
    """A memory backend that forgets nothing, and tells what it keeps as the observers do."""

    def __init__(self) -> None:
        super().__init__(limit=None)

    def catalogue(self) -> Catalogue:
        """Give the series that were recorded."""
        return {key: Metric(points[0].series.kind, points[0].series.unit) for key, points in self._series().items()}

    def seen(self) -> Seen:
        """Tell what was emitted."""
        series = self._series()
        return Seen(
            place="emitted",
            spans=[_span(span) for span in self.finished],
            errors=[_error(report) for report in self.reports],
            logs=[SeenLog(event.message, *_ids(event)) for event in self.events],
            metrics={key: _reading(merged(points)) for key, points in series.items()},
            reduced=frozenset(key for key, points in series.items() if _is_reduced(points)),
        )

    def _series(self) -> Mapping[SeriesKey, Sequence[Point]]:
        return {SeriesKey(*key): points for key, points in self.series(fresh=True).items()}


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


def _reading(whole: Point) -> Reading:
    match kind := whole.series.kind:
        case "count" | "gauge":
            return Reading(kind=kind, value=whole.value)
        case "set":
            return Reading(kind=kind, value=whole.value, count=len(whole.members))
        case _:
            return Reading(kind=kind, value=whole.value, count=whole.count, buckets=tuple(whole.buckets))


def _is_reduced(points: Sequence[Point]) -> bool:
    sampled = points[-1].series.kind in ("distribution", "histogram")
    return sampled and any(len(point.samples) < point.count for point in points)
