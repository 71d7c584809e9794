"""Whether telemetry was used as it is meant to be; what is not, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import anytel
from anytel.metrics import registry
from anytel.testing.captured import CapturedMetric, CapturedSpan
from anytel.tracing.tracer import Tracer

__all__ = ["problems"]


def problems(
    spans: Iterable[CapturedSpan],
    metrics: Iterable[CapturedMetric],
    refusals: Sequence[tuple[str, str]],
    allow_undeclared: bool,
) -> list[str]:
    """Give all that is wrong; see `anytel.testing.Telemetry.assert_valid`."""
    found = [*_open(), *(line for span in spans for line in _of_span(span))]
    found += [f"refused ({reason}): {message}" for reason, message in dict.fromkeys(refusals)]
    if not allow_undeclared:
        found += [f"metric never declared: {name}" for name in _undeclared(metrics)]
    return [*found, *_dropped()]


def _open() -> Iterator[str]:
    for trace in list(Tracer.live.values()):
        for span in list(trace.open.values()):
            yield f"span still open: {span.name!r}"


def _of_span(span: CapturedSpan) -> Iterator[str]:
    record = span.record
    if record.attributes.get("anytel.unfinished"):
        yield f"span still open at shutdown: {span.name!r}"
    parent = span.parent
    if parent is not None and record.start_ns < parent.record.start_ns:
        yield f"span {span.name!r} began before its parent {parent.name!r}"
    for event in span.events:
        if not record.start_ns <= event.time_ns <= record.end_ns:
            yield f"event {event.name!r} is not within its span {span.name!r}"


def _undeclared(metrics: Iterable[CapturedMetric]) -> Sequence[str]:
    declared = registry.declared()
    return list(dict.fromkeys(metric.name for metric in metrics if metric.name not in declared))


def _dropped() -> Iterator[str]:
    for backend, signals in anytel.stats().backends.items():
        for signal, counts in signals.items():
            for reason, count in counts.dropped.items():
                yield f"dropped at {backend}: {count} of the signal {signal} ({reason})"
