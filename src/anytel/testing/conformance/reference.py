"""The reference: keeps in memory what every backend is sent, and tells it as the backends' readers do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from anytel.backend import ErrorRecord, LogRecord, Point, SpanContext, SpanRecord
from anytel.backends.memory import MemoryBackend
from anytel.testing.conformance.observed import (
    Ids,
    Measured,
    Observed,
    ObservedError,
    ObservedEvent,
    ObservedLink,
    ObservedLog,
    ObservedSpan,
    Raised,
)

__all__ = ["Reference", "observed"]


class Reference(MemoryBackend):
    """A memory backend of another name, so that it can stand beside any."""

    name: ClassVar[str] = "reference"

    def observed(self) -> Observed:
        """Tell what was recorded."""
        return observed(self.finished, self.points, self.events, self.reports)


def observed(
    spans: Iterable[SpanRecord], points: Iterable[Point], logs: Iterable[LogRecord], errors: Iterable[ErrorRecord]
) -> Observed:
    """Tell what is in records; of a gauge, only the intervals in which it was written."""
    return Observed(
        spans=[_span(span) for span in spans],
        metrics=[_point(point) for point in points if point.fresh],
        logs=[_log(log) for log in logs],
        errors=[_error(error) for error in errors],
    )


def _ids(context: SpanContext) -> Ids:
    return context.trace_id, context.span_id


def _span(span: SpanRecord) -> ObservedSpan:
    return ObservedSpan(
        ids=_ids(span.context),
        name=span.name,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        parent_id=span.parent_id,
        kind=span.kind,
        status=span.status,
        status_message=span.status_message,
        service=span.service,
        attributes=span.attributes,
        events=[ObservedEvent(name=name, time_ns=at, attributes=more) for name, at, more in span.events],
        links=[ObservedLink(ids=_ids(context), attributes=more) for context, more in span.links],
        exception=Raised.of(span.exception) if span.exception is not None else None,
    )


def _point(point: Point) -> Measured:
    series, many = point.series, point.series.kind in ("distribution", "histogram")
    complete = many and len(point.samples) == point.count
    return Measured(
        name=series.name,
        kind=series.kind,
        tags=dict(series.tags),
        value=point.value,
        count=point.count if many else None,
        low=point.low if many else None,
        high=point.high if many else None,
        samples=tuple(point.samples) if complete else None,
        buckets=_buckets(series.bounds, point.buckets) if many else None,
        members=frozenset(point.members) if series.kind == "set" else None,
        unit=series.unit,
        description=series.description,
        exemplars=frozenset(_ids(one.context) for one in point.exemplars.values()),
    )


def _buckets(bounds: Sequence[float], counts: Sequence[float]) -> tuple[tuple[float, float], ...]:
    return tuple(zip((*bounds, float("inf")), counts, strict=True))


def _log(log: LogRecord) -> ObservedLog:
    return ObservedLog(
        message=log.message,
        level=log.level,
        logger=log.logger,
        attributes=log.attributes,
        ids=_ids(log.context) if log.context is not None else None,
        exception=Raised.of(log.exception) if log.exception is not None else None,
    )


def _error(error: ErrorRecord) -> ObservedError:
    return ObservedError(
        id=error.id,
        exception=Raised.of(error.exception) if error.exception is not None else None,
        message=error.message,
        handled=error.handled,
        attributes=error.attributes,
        ids=_ids(error.context) if error.context is not None else None,
    )
