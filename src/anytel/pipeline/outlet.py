"""An outlet: one backend's bounded queues, worker thread, breaker and account.

What one backend does, raising, blocking or dying, stays within its outlet.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import TypeAlias

from anytel.backend import Ack, Backend, ErrorRecord, LogRecord, MetricBatch, Point, Signal, SpanRecord
from anytel.pipeline.guard import Guard
from anytel.pipeline.host import BackendHost

__all__ = ["LIMITS", "Outlet"]

Item: TypeAlias = SpanRecord | LogRecord | ErrorRecord | MetricBatch

LIMITS: dict[Signal, int] = {"error": 1_000, "span": 20_000, "log": 20_000, "metric": 12}
"""Items that wait for one backend (of metrics: intervals); beyond, the oldest are dropped and counted."""
BATCH: dict[Signal, int] = {"error": 50, "span": 1_000, "log": 1_000, "metric": 1}
ATTEMPT = 10.0
"""Seconds that one call of a backend may take."""
PERSISTENCE = 60.0
"""Seconds for which a backend's refusals are answered by offering the same batch again."""
BACKOFF = (0.25, 30.0)


class Outlet:
    """One backend that is pushed to, with what waits for it."""

    def __init__(self, backend: Backend, host: BackendHost) -> None:
        self.backend = backend
        self.name = backend.name
        self.account = host.account
        self.guard = Guard(backend.name)
        self._host = host
        self._opened = False
        self._changed = threading.Condition()
        self._queues: dict[Signal, deque[Item]] = {signal: deque() for signal in LIMITS}
        self._thread: threading.Thread | None = None
        self._busy = False
        self._urgent = 0.0  # until then (monotonic), the breaker is ignored and calls end by then
        self._not_before = 0.0
        self._failures = 0
        self._failing_since = 0.0
        self._closing = False
        self._closed: bool | None = None

    def open(self) -> None:
        """Open the backend; what it raises goes to the caller."""
        self.backend.open(self._host)
        self._opened = True

    def offer(self, signal: Signal, items: Sequence[Item]) -> None:
        """Queue *items*; returns at once."""
        self.account.emitted(signal, _size(signal, items))
        with self._changed:
            if self._closing:
                self.account.dropped(signal, _size(signal, items), "closed")
                return
            queue = self._queues[signal]
            queue.extend(items)
            over = [queue.popleft() for _ in range(len(queue) - LIMITS[signal])]
            self._start()
            self._changed.notify_all()
        if over:
            self.account.dropped(signal, _size(signal, over), "queue_full")

    def _start(self) -> None:
        if self._thread is None and not self._closing:
            thread = threading.Thread(target=self._run, name=f"anytel-{self.name}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is going down; `flush` works on its own thread
                return
            self._thread = thread

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._due, self._pause())
                if self._closing and not self._waiting():
                    break
                if not self._due():
                    continue
                self._busy = True
            self.step()
            with self._changed:
                self._busy = False
                self._changed.notify_all()
        self._close()

    def _waiting(self) -> bool:
        return any(self._queues.values())

    def _due(self) -> bool:
        return self._closing or (self._waiting() and max(self._urgent, time.monotonic()) >= self._not_before)

    def _pause(self) -> float | None:
        return max(self._not_before - time.monotonic(), 0.001) if self._waiting() else None

    def step(self) -> None:
        """Send one batch of what waits, errors first."""
        for signal, queue in self._queues.items():
            if queue:
                with self._changed:
                    batch = [queue.popleft() for _ in range(min(len(queue), BATCH[signal]))]
                if batch:
                    self._settle(signal, batch, self._send(signal, batch))
                return

    def _send(self, signal: Signal, batch: list[Item]) -> Ack:
        now = time.monotonic()
        deadline = min(now + ATTEMPT, self._urgent) if self._urgent > now else now + ATTEMPT
        size = _size(signal, batch)
        try:
            if not self._opened:  # in a forked child
                self.open()
            ack = self._call(signal, batch, deadline)
        except Exception as exc:
            self.guard.failed(signal, exc)
            return Ack(0, {"backend_error": size})
        if ack.delivered + sum(ack.dropped.values()) + ack.retry != size:
            self.guard.failed(signal, f"{ack} does not add up to {size}")
        return ack

    def _call(self, signal: Signal, batch: list[Item], deadline: float) -> Ack:
        match signal:
            case "span":
                return self.backend.spans(batch, deadline)  # type: ignore[arg-type]  # queues hold what their signal says
            case "log":
                return self.backend.logs(batch, deadline)  # type: ignore[arg-type]  # as above
            case "error":
                return self.backend.errors(batch, deadline)  # type: ignore[arg-type]  # as above
            case "metric":
                return self.backend.metrics(batch[0], deadline)  # type: ignore[arg-type]  # as above

    def _settle(self, signal: Signal, batch: list[Item], ack: Ack) -> None:
        self.account.delivered(signal, ack.delivered)
        for reason, count in ack.dropped.items():
            self.account.dropped(signal, count, reason)
        if ack.retry:
            self._retry(signal, batch, ack)
        elif ack.delivered or not ack.dropped:
            self._failures = 0

    def _retry(self, signal: Signal, batch: list[Item], ack: Ack) -> None:
        now = time.monotonic()
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        first, longest = BACKOFF
        pause = min(longest, first * 2 ** min(self._failures - 1, 10)) * random.uniform(0.7, 1.0)
        again = _tail(signal, batch, ack.retry)
        self.guard.failed(signal, "not delivered; it is tried again, and anytel.stats() counts what is dropped")
        with self._changed:
            self._not_before = now + max(pause, ack.retry_after)
            queue = self._queues[signal]
            if now - self._failing_since > PERSISTENCE or self._past_closing():
                self.account.dropped(signal, ack.retry, "undeliverable")
                return
            room = LIMITS[signal] - len(queue)
            kept = again[max(len(again) - room, 0) :]
            queue.extendleft(reversed(kept))
        self.account.dropped(signal, _size(signal, again) - _size(signal, kept), "queue_full")

    def _past_closing(self) -> bool:
        return self._closing and (time.monotonic() >= self._urgent or self._not_before >= self._urgent)

    def flush(self, deadline: float) -> bool:
        """Send what waits, until *deadline* at most; whether nothing of it is left or was dropped."""
        lost = self.account.lost()
        with self._changed:
            self._urgent = deadline
            self._not_before = min(self._not_before, time.monotonic())
            if self._waiting():
                self._start()
            self._changed.notify_all()
            if self._thread is not None:
                self._changed.wait_for(lambda: not (self._waiting() or self._busy), _left(deadline))
        while self._thread is None and self._waiting() and time.monotonic() < deadline:
            self.step()
        with self._changed:
            done = not (self._waiting() or self._busy)
        return done and self._flushed(deadline) and self.account.lost() == lost

    def _flushed(self, deadline: float) -> bool:
        try:
            return self.backend.flush(deadline) if self._opened else True
        except Exception as exc:
            self.guard.failed("flush", exc)
            return False

    def close(self, deadline: float) -> bool:
        """Send what waits and close the backend; what is left at *deadline* is dropped and counted."""
        done = self.flush(deadline)
        with self._changed:
            self._closing, self._urgent = True, deadline
            self._changed.notify_all()
            if self._thread is not None:
                self._changed.wait_for(lambda: self._closed is not None, _left(deadline))
        if self._thread is None:
            self._close()
        self._abandon()
        return done and bool(self._closed)

    def _close(self) -> None:
        try:
            closed = self.backend.close(self._urgent)
        except Exception as exc:
            self.guard.failed("close", exc)
            closed = False
        with self._changed:
            self._closed = closed
            self._changed.notify_all()

    def _abandon(self) -> None:
        with self._changed:
            left = {signal: list(queue) for signal, queue in self._queues.items() if queue}
            for queue in self._queues.values():
                queue.clear()
        for signal, items in left.items():
            self.account.dropped(signal, _size(signal, items), "shutdown")


def _size(signal: Signal, items: Sequence[Item]) -> int:
    if signal != "metric":
        return len(items)
    return sum(len(batch.points) for batch in items if isinstance(batch, MetricBatch))


def _tail(signal: Signal, batch: list[Item], count: int) -> list[Item]:
    """Give the last *count* items of *batch*; of metrics, the last points."""
    if signal != "metric":
        return batch[len(batch) - count :]
    whole = batch[0]
    assert isinstance(whole, MetricBatch)  # noqa: S101 -- the metric queue holds nothing else
    points: Sequence[Point] = whole.points[len(whole.points) - count :]
    return [MetricBatch(whole.start_ns, whole.end_ns, whole.flow, points)]


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.0)
