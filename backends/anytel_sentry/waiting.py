"""Spans that wait for the root of their local trace."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from anytel.backend import SpanRecord

__all__ = ["Key", "Waiting", "key_of"]

Key: TypeAlias = tuple[int, int]
"""A local trace: its trace id and the span id of its root."""


def key_of(span: SpanRecord) -> Key:
    """Name the local trace that *span* belongs to."""
    return span.context.trace_id, span.root_id


class Waiting:
    """Holds about *limit* spans, each for *patience* seconds; never more than twice the limit."""

    def __init__(
        self, limit: int = 10_000, patience: float = 300.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit, self._patience, self._clock = limit, patience, clock
        self._traces: OrderedDict[Key, tuple[float, list[SpanRecord]]] = OrderedDict()
        self._ended: OrderedDict[Key, None] = OrderedDict()
        self._count = 0

    def hold(self, spans: Sequence[SpanRecord]) -> int:
        """Keep spans of one local trace until its root comes; give the number of spans lost because nothing left."""
        self._traces.setdefault(key_of(spans[0]), (self._clock(), []))[1].extend(spans)
        self._count += len(spans)
        lost = 0
        while self._count > 2 * self._limit:
            lost += len(self.take(next(iter(self._traces))))
        return lost

    def take(self, key: Key) -> list[SpanRecord]:
        """Give up what is held of one local trace."""
        _, spans = self._traces.pop(key, (0.0, []))
        self._count -= len(spans)
        return spans

    def end(self, key: Key) -> None:
        """Note that the root has been sent: what comes later need not wait for it."""
        self._ended[key] = None
        if len(self._ended) > self._limit:
            self._ended.popitem(last=False)

    def has_ended(self, key: Key) -> bool:
        """Say whether the root has been sent."""
        return key in self._ended

    def overdue(self) -> Iterator[list[SpanRecord]]:
        """Give up, one by one, the traces that wait for too long, and the oldest while there are too many."""
        while self._traces:
            key, (since, _) = next(iter(self._traces.items()))
            if self._count <= self._limit and self._clock() - since < self._patience:
                return
            yield self.take(key)

    def everything(self) -> Iterator[list[SpanRecord]]:
        """Give up all traces, one by one."""
        for key in list(self._traces):
            yield self.take(key)
