"""Batches: what a backend is given at once, and what its answer says of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from anytel.backend import Ack, ErrorRecord, LogRecord, MetricBatch, Point, Signal, SpanRecord

__all__ = ["Item", "accounted", "size_of", "tail"]

Item: TypeAlias = SpanRecord | LogRecord | ErrorRecord | MetricBatch


def size_of(signal: Signal, items: Sequence[Item]) -> int:
    """Give what *items* count for in the accounts: of metrics, their points."""
    if signal != "metric":
        return len(items)
    return sum(len(batch.points) for batch in items if isinstance(batch, MetricBatch))


def tail(signal: Signal, batch: list[Item], count: int) -> list[Item]:
    """Give the last *count* items of *batch*; of metrics, the last points."""
    if signal != "metric":
        return batch[len(batch) - count :]
    whole = batch[0]
    assert isinstance(whole, MetricBatch)  # noqa: S101 -- the metric queue holds nothing else
    points: Sequence[Point] = whole.points[len(whole.points) - count :]
    return [MetricBatch(whole.start_ns, whole.end_ns, whole.flow, points)]


def accounted(ack: object) -> int | None:
    """Give the number of items that *ack* accounts for, and None where it is no answer."""
    try:
        assert isinstance(ack, Ack)  # noqa: S101 -- the handler is for all that it may be
        numbers = (ack.delivered, *ack.dropped.values(), ack.retry)
        sane = all(type(number) is int and number >= 0 for number in numbers) and ack.retry_after >= 0
    except Exception:
        return None
    return sum(numbers) if sane else None
