"""A run's result as plain data, for ``--json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TypeAlias

from anytel.backend import SpanRecord
from anytel.demo.exhibits import Exhibit, exhibits
from anytel.demo.run import Result
from anytel.pipeline.accounts import Stats
from anytel.testing.observe.seen import Seen
from anytel.tracing.ids import span_hex

__all__ = ["LAST_LOGS", "Data", "data"]

LAST_LOGS = 10

Data: TypeAlias = "str | bool | int | float | Sequence[Data] | Mapping[str, Data] | None"


def data(result: Result) -> dict[str, Data]:
    """Give everything that the tables show."""
    differences = result.differences()
    answered = Counter(str(answer.status) for answer in result.answers)
    return {
        "agree": not differences,
        "backends": list(result.backends),
        "requests": {"sent": len(result.answers), "answered": dict(sorted(answered.items()))},
        "emitted": _seen(result.emitted),
        "received": {seen.place: _seen(seen) for seen in result.seen},
        "traces": [_exhibit(one) for one in exhibits(result)],
        "errors": [asdict(error) for error in result.emitted.errors or ()],
        "logs": _logs(result),
        "accounts": _accounts(result.stats),
        "differences": [asdict(one) for one in differences],
    }


def _seen(seen: Seen) -> dict[str, Data]:
    """Count the signals, and give each series' reading; null is what does not go there."""
    listed = {"spans": seen.spans, "errors": seen.errors, "logs": seen.logs, "exemplars": seen.exemplars}
    counts: dict[str, Data] = {name: None if items is None else len(items) for name, items in listed.items()}
    if seen.metrics is None:
        return {**counts, "metrics": None}
    series: list[Data] = [
        {"name": key.metric, "tags": dict(key.tags), **asdict(reading)} for key, reading in sorted(seen.metrics.items())
    ]
    return {**counts, "metrics": series}


def _exhibit(exhibit: Exhibit) -> dict[str, Data]:
    trace = exhibit.trace
    return {
        "request": trace.root.name,
        "status": trace.answer.status,
        "request_id": trace.answer.request_id,
        "trace_id": trace.id,
        "found": {where: sorted(ids) for where, ids in exhibit.found.items()},
        "spans": [_span(span) for span in trace.spans],
    }


def _span(span: SpanRecord) -> dict[str, Data]:
    return {
        "span_id": span_hex(span.context.span_id),
        "parent_id": span_hex(span.parent_id) if span.parent_id else None,
        "name": span.name,
        "kind": span.kind,
        "service": span.service,
        "status": span.status,
        "duration_ms": (span.end_ns - span.start_ns) / 1e6,
        "attributes": dict(span.attributes),
    }


def _logs(result: Result) -> list[Data]:
    last = list(result.recorder.events)[-LAST_LOGS:]
    return [{"level": event.level, "event": event.message, **event.attributes} for event in last]


def _accounts(stats: Stats) -> dict[str, Data]:
    return {
        backend: {
            signal: {"emitted": counts.emitted, "delivered": counts.delivered, "dropped": dict(counts.dropped)}
            for signal, counts in signals.items()
        }
        for backend, signals in stats.backends.items()
    }
