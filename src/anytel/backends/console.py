"""The console backend: one line per span, metric and error on standard output. Log lines are there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from anytel.backend import Ack, Attributes, Backend, ErrorRecord, MetricBatch, Point, Signal, SpanRecord
from anytel.logs import render
from anytel.logs.logger import chain
from anytel.logs.render import Event

__all__ = ["ConsoleBackend"]


class ConsoleBackend(Backend):
    """Writes readable lines on a terminal and JSON lines elsewhere."""

    name: ClassVar[str] = "console"
    signals: ClassVar[frozenset[Signal]] = frozenset({"span", "metric", "error"})
    fidelity: ClassVar[Mapping[str, str]] = {
        "metric": "exact",
        "metric.distribution": "approximate: number, sum and extremes; not the values",
        "metric.histogram": "approximate: number, sum and extremes; not the buckets",
        "metric.set": "approximate: the number of different values in the last minute (within 10 %)",
        "metric.description": "unsupported: it is where the metric is declared",
        "metric.exemplars": "unsupported: the lines of spans are there",
        "span": "exact",
        "span.time": "unsupported: only the duration, in milliseconds",
        "span.parent": "unsupported: one line per span, without the tree",
        "span.kind": "unsupported: one line per span, without its kind",
        "span.service": "unsupported: one line per span, without its service",
        "span.events": "unsupported: one line per span, without its events",
        "span.links": "unsupported: one line per span, without its links",
        "span.exception": "unsupported: its message is the reason; the rest is in the line of the error",
        "log": "exact: the logger itself writes the line",
        "log.attributes": "approximate: nested values stay nested",
        "error": "exact",
        "error.exception": "approximate: type, without its module, and message",
        "error.chain": "unsupported: the log line has the traceback",
        "error.group": "unsupported: the log line has the traceback",
        "error.trace": "approximate: the trace id",
    }

    def spans(self, batch: Sequence[SpanRecord], deadline: float, /) -> Ack:  # noqa: D102 -- inherited
        for span in batch:
            self._write("error" if span.status == "error" else "info", f"span {span.name}", _span(span))
        return Ack(len(batch))

    def metrics(self, batch: MetricBatch, deadline: float, /) -> Ack:  # noqa: D102 -- inherited
        for point in batch.points:
            if point.fresh:
                self._write("info", f"{point.series.kind} {point.series.name}", _point(point))
        return Ack(len(batch.points))

    def errors(self, batch: Sequence[ErrorRecord], deadline: float, /) -> Ack:  # noqa: D102 -- inherited
        for error in batch:
            what = error.exception.type if error.exception is not None else error.message
            self._write(error.level, f"error {what}", _error(error))
        return Ack(len(batch))

    def _write(self, level: str, event: str, values: Event) -> None:
        now = datetime.now(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
        own: Event = {"timestamp": now, "level": level, "event": event}
        render.write(
            chain().render({**own, **{f"{name}_" if name in own else name: value for name, value in values.items()}})
        )


def _plain(attributes: Attributes) -> Event:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in attributes.items()}


def _span(span: SpanRecord) -> Event:
    reason = {"reason": span.status_message} if span.status_message else {}
    return {
        **_plain(span.attributes),
        **reason,
        "duration_ms": round((span.end_ns - span.start_ns) / 1e6, 3),
        "status": span.status,
        "trace_id": f"{span.context.trace_id:032x}",
        "span_id": f"{span.context.span_id:016x}",
    }


def _point(point: Point) -> Event:
    many = {"count": point.count, "min": point.low, "max": point.high} if point.samples else {}
    unit = {"unit": point.series.unit} if point.series.unit else {}
    return {**dict(point.series.tags), "value": point.value, **many, **unit}


def _error(error: ErrorRecord) -> Event:
    ids = {"trace_id": f"{error.context.trace_id:032x}"} if error.context is not None else {}
    return {
        **_plain(error.attributes),
        "message": error.exception.message if error.exception is not None else error.message,
        "handled": error.handled,
        "error.id": error.id,
        **ids,
    }
