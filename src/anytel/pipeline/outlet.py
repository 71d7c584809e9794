"""An outlet: one backend's bounded queues, worker thread, breaker and account.

What one backend does, raising, blocking or dying, stays within its outlet.
"""

from __future__ import annotations

import contextvars
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from anytel.attributes import text
from anytel.backend import Ack, Backend, Signal
from anytel.pipeline.batch import Item, accounted, size_of, tail
from anytel.pipeline.guard import Guard
from anytel.pipeline.host import BackendHost

__all__ = ["LIMITS", "Outlet", "join"]

LIMITS: dict[Signal, int] = {"error": 1_000, "span": 50_000, "log": 50_000, "metric": 12}
"""Items that wait for one backend (of metrics: intervals); beyond, the oldest are dropped and counted."""
BATCH: dict[Signal, int] = {"error": 50, "span": 1_000, "log": 1_000, "metric": 1}
ATTEMPT = 10.0
"""Seconds that one call of a backend may take."""
PERSISTENCE = 60.0
"""Seconds for which a backend's refusals are answered by offering the same batch again."""
BACKOFF = (0.25, 30.0)
LONGEST_WISH = 3_600.0
"""Seconds for which a server's wish when to come back is respected; a thread cannot wait for any number of them."""


class Outlet:
    """One backend that is pushed to, with what waits for it."""

    def __init__(self, backend: Backend, host: BackendHost) -> None:
        self.backend = backend
        self.name = backend.name
        self.account = host.account
        self.guard = Guard(backend.name)
        self._host = host
        host.offer = lambda span: self.offer("span", [span])
        self._opened = False
        self._changed = threading.Condition()
        self._queues: dict[Signal, deque[Item]] = {signal: deque() for signal in LIMITS}
        self._thread: threading.Thread | None = None
        self._busy = False
        # How many items of each signal came in and have left: a flush is done when those of its beginning have left.
        self._in: Counter[Signal] = Counter()
        self._out: Counter[Signal] = Counter()
        self._urgent = 0.0  # calls that begin before then (monotonic) end by then
        self._not_before = 0.0  # the breaker's pause, which a flush ends
        self._asked_until = 0.0  # the pause that the backend has asked for, which nothing ends
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
        self.account.emitted(signal, size_of(signal, items))
        with self._changed:
            if self._closing:
                self.account.dropped(signal, size_of(signal, items), "closed")
                return
            queue = self._queues[signal]
            queue.extend(items)
            over = [queue.popleft() for _ in range(len(queue) - LIMITS[signal])]
            self._in[signal] += len(items)
            self._out[signal] += len(over)
            self._start()
            self._changed.notify_all()
        if over:
            self.account.dropped(signal, size_of(signal, over), "queue_full")

    def _start(self) -> None:
        if self._thread is None and not self._closing:
            thread = threading.Thread(target=self._run, name=f"anytel-{self.name}", daemon=True)
            try:
                # In no context: vendors would take what the thread does for part of the caller's trace.
                contextvars.Context().run(thread.start)
            except RuntimeError:  # the interpreter is going down; `flush` works on its own thread
                return
            self._thread = thread

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._due(), self._pause())
                if not self._due():
                    if self._closing:
                        break
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
        return self._waiting() and time.monotonic() >= self._next()

    def _next(self) -> float:
        return max(self._not_before, self._asked_until)

    def _pause(self) -> float | None:
        return max(self._next() - time.monotonic(), 0.001) if self._waiting() else None

    def step(self) -> None:
        """Send one batch of what waits, errors first."""
        for signal, queue in self._queues.items():
            if queue:
                with self._changed:
                    batch = [queue.popleft() for _ in range(min(len(queue), BATCH[signal]))]
                if batch:
                    left = len(batch) - self._settle(signal, batch, self._send(signal, batch))
                    with self._changed:
                        self._out[signal] += left
                return

    def _send(self, signal: Signal, batch: list[Item]) -> Ack:
        now = time.monotonic()
        deadline = min(now + ATTEMPT, self._urgent) if self._urgent > now else now + ATTEMPT
        size = size_of(signal, batch)
        try:
            if not self._opened:  # in a forked child
                self.open()
            ack = self._call(signal, batch, deadline)
        except BaseException as exc:  # also what is no Exception, as gevent's Timeout: the worker must live
            self.guard.failed(signal, exc)
            return Ack(0, {"backend_error": size})
        return self._checked(signal, ack, size)

    def _checked(self, signal: Signal, ack: object, size: int) -> Ack:
        """Give *ack* where it accounts for all *size* items; else what can be believed of it."""
        told = accounted(ack)
        if isinstance(ack, Ack) and told == size:
            return ack
        self.guard.failed(signal, f"{text(ack)[:200]} is no answer for {size} items")
        if isinstance(ack, Ack) and told is not None and told < size:
            return Ack(ack.delivered, {**ack.dropped, "unacknowledged": size - told}, ack.retry, ack.retry_after)
        return Ack(0, {"bad_ack": size})

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

    def _settle(self, signal: Signal, batch: list[Item], ack: Ack) -> int:
        """Account for *batch*; gives how many of its items wait again."""
        self.account.delivered(signal, ack.delivered)
        for reason, count in ack.dropped.items():
            self.account.dropped(signal, count, reason)
        if ack.retry:
            return self._retry(signal, batch, ack)
        if ack.delivered or not ack.dropped:
            self._failures = 0
        return 0

    def _retry(self, signal: Signal, batch: list[Item], ack: Ack) -> int:
        now = time.monotonic()
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        first, longest = BACKOFF
        pause = min(longest, first * 2 ** min(self._failures - 1, 10)) * random.uniform(0.7, 1.0)
        again = tail(signal, batch, ack.retry)
        self.guard.failed(signal, "not delivered; it is tried again, and anytel.stats() counts what is dropped")
        with self._changed:
            self._not_before = now + pause
            self._asked_until = now + min(ack.retry_after, LONGEST_WISH)
            queue = self._queues[signal]
            if now - self._failing_since > PERSISTENCE or self._closing:
                self.account.dropped(signal, ack.retry, "undeliverable")
                return 0
            room = LIMITS[signal] - len(queue)
            kept = again[max(len(again) - room, 0) :]
            queue.extendleft(reversed(kept))
        self.account.dropped(signal, size_of(signal, again) - size_of(signal, kept), "queue_full")
        return len(kept)

    def flush(self, deadline: float) -> bool:
        """Send what waits now, until *deadline* at most; whether nothing of it is left or was dropped."""
        lost = self.account.lost()
        with self._changed:
            goal = Counter(self._in)
            self._urgent = deadline
            self._not_before = min(self._not_before, time.monotonic())
            if self._waiting():
                self._start()
            self._changed.notify_all()
            if self._thread is not None:
                over = lambda: self._left(goal) or self._hopeless(deadline)  # noqa: E731 -- a condition
                self._changed.wait_for(over, _until(deadline))
        while self._thread is None and self._waiting() and not self._hopeless(deadline):
            time.sleep(_until(self._next()))
            self.step()
        with self._changed:
            done = self._left(goal)
        return done and self._flushed(deadline) and self.account.lost() == lost

    def _left(self, goal: Mapping[Signal, int]) -> bool:
        return all(self._out[signal] >= count for signal, count in goal.items())

    def _hopeless(self, deadline: float) -> bool:
        """Say whether nothing more can be tried before *deadline*."""
        return not self._busy and max(self._next(), time.monotonic()) >= deadline

    def _flushed(self, deadline: float) -> bool:
        try:
            return bool(self.backend.flush(deadline)) if self._opened else True
        except BaseException as exc:
            self.guard.failed("flush", exc)
            return False

    def close(self, deadline: float) -> bool:
        """Send what waits and close the backend; what is left at *deadline* is dropped and counted."""
        done = self.flush(deadline)
        with self._changed:
            self._closing, self._urgent = True, deadline
            self._changed.notify_all()
            if self._thread is not None:
                self._changed.wait_for(lambda: self._closed is not None, _until(deadline))
        if self._thread is None:
            self._close()
        elif self._closed is not None:
            join(self._thread, deadline)
        self._abandon()
        return done and bool(self._closed)

    def discard(self) -> None:
        """Close the backend without sending what waits."""
        with self._changed:
            for queue in self._queues.values():
                queue.clear()
            self._closing, self._urgent = True, time.monotonic()
            self._changed.notify_all()
        if self._thread is None and self._opened:
            self._close()

    def _close(self) -> None:
        try:
            closed = bool(self.backend.close(self._urgent))
        except BaseException as exc:
            self.guard.failed("close", exc)
            closed = False
        with self._changed:
            self._closed = closed
            self._changed.notify_all()

    def _abandon(self) -> None:
        with self._changed:
            left = {signal: list(queue) for signal, queue in self._queues.items() if queue}
            for signal, queue in self._queues.items():
                self._out[signal] += len(queue)
                queue.clear()
        for signal, items in left.items():
            self.account.dropped(signal, size_of(signal, items), "shutdown")


def join(thread: threading.Thread | None, deadline: float) -> None:
    """Wait for the end of *thread*, which has been told, so that nothing of ours is left running behind the caller."""
    if thread is not None and thread is not threading.current_thread():
        thread.join(_until(deadline))


def _until(moment: float) -> float:
    return max(moment - time.monotonic(), 0.0)
