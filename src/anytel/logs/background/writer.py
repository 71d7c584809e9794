"""One bounded queue and the one thread that renders and writes what is in it."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Generic, TypeVar

from anytel.logs.background import process
from anytel.logs.background.accounts import LineCounts, Loss, Losses
from anytel.logs.background.line import unrendered
from anytel.logs.background.policy import WhenFull, check
from anytel.logs.background.sink import Sink, write_all

__all__ = ["PATIENCE", "Writer"]

BATCH = 256
"""Lines rendered and written in one go; small, so that other threads get the interpreter lock in between."""
LINGER = 0.01
"""Seconds that the thread waits for a batch to fill: it wakes up a hundred times a second at most."""
PATIENCE = 5.0
"""Seconds that a caller waits for room, by default."""
FORK_PATIENCE = 0.2
"""Seconds that a fork waits for the write under way."""

T = TypeVar("T")


class Writer(Generic[T]):
    """Takes items from any thread; renders and writes them in order, on a thread of its own that starts at first use.

    No lock is held while rendering or writing, so a caller waits for the sink only where the queue is full and
    *when_full* is ``block``: until there is room, for *patience* seconds at most. When that was in vain, callers lose
    their lines without waiting until something has been written again.

    *render* gives a line without its newline. *report* makes the item that says how many lines were lost and why. What
    is put by *render* or the sink themselves, or after `close`, is written at once on the calling thread.
    """

    def __init__(
        self,
        render: Callable[[T], str],
        sink: Sink,
        report: Callable[[Loss, int], T],
        *,
        when_full: WhenFull,
        limit: int,
        patience: float,
    ) -> None:
        check(when_full, limit)
        self._render = render
        self._sink = sink
        self._report = report
        self._limit = limit
        self._enough = min(BATCH, limit)
        self._patience = patience
        policies = {"block": self._wait_for_room, "drop_oldest": self._drop_oldest, "drop_newest": self._drop_newest}
        self._make_room: Callable[[], bool] = policies[when_full]
        self._closed = False
        self.forget()
        process.watch(self)

    def forget(self) -> None:
        """Be as new, but closed if it was: in a forked child, whose parent writes what is in the queue."""
        self._lock = threading.RLock()  # reentrant: a signal handler or a finalizer may log while this thread has it
        self._filled = threading.Condition(self._lock)  # for the thread
        self._moved = threading.Condition(self._lock)  # for those who wait for it
        self._queue: deque[T] = deque()
        self._queued = 0  # items that were in the queue, ever
        self._written = 0
        self._losses = Losses()
        self._thread: threading.Thread | None = None
        self._owner = 0  # the thread that renders and writes at this moment
        self._nested = False
        self._under_way = 0  # items of the queue that are being written,
        self._begun = 0  # and how many had left it before them
        self._wake_at: float = math.inf  # items in the queue at which the thread is to be woken
        self._urgent = 0  # callers that wait for the queue to be empty
        self._stuck = False  # the sink has outlasted somebody's patience
        self._closing = False

    def put(self, item: T) -> None:
        """Take *item*; its line is written soon, or counted as lost. Never raises because of the sink."""
        if self._closed or self._owner == threading.get_ident():
            self._write_here(item)
            return
        with self._lock:
            if self._thread is None and not self._start():
                self._write_here(item)
                return
            if len(self._queue) >= self._limit and not self._make_room():
                self._losses.add("queue_full")
                return
            self._queue.append(item)
            self._queued += 1
            if len(self._queue) >= self._wake_at:
                self._wake()

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until everything put before is written.

        Gives whether it was within *timeout* seconds, and nothing was lost since the last time that somebody asked.
        """
        with self._lock:
            if self._owner == threading.get_ident():
                return False
            last = self._queued
            self._urgent += 1
            self._wake()
            done = self._moved.wait_for(lambda: self._settled() >= last, timeout)
            self._urgent -= 1
            return self._losses.none_since_asked() and done

    def close(self, timeout: float = 2.0) -> bool:
        """Write everything and end the thread; gives what `flush` gives.

        What is not written within *timeout* seconds is lost, and counted. A second call does nothing.
        """
        with self._lock:
            self._closing = True
            if self._thread is None:
                self._closed = True
            elif self._owner != threading.get_ident():
                self._wake()
                self._moved.wait_for(lambda: self._closed, timeout)
                self._abandon()
            return self._losses.none_since_asked() and self._closed

    def stats(self) -> LineCounts:
        """Give the account as it stands."""
        with self._lock:
            waiting = len(self._queue) + self._under_way
            return LineCounts(self._written, MappingProxyType(dict(self._losses.counts)), waiting)

    def pause(self) -> None:
        """Let no write be under way, if it ends soon, and begin none until `resume`: a fork copies half of one."""
        self._lock.acquire()
        if self._owner != threading.get_ident():
            self._moved.wait_for(lambda: not self._owner, FORK_PATIENCE)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._lock.release()

    # Called with the lock.

    def _start(self) -> bool:
        thread = threading.Thread(target=self._run, name="anytel-log-writer", daemon=True)
        if self._thread is not None:  # a signal handler has been here meanwhile
            return True
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:  # the interpreter is going down
            self._thread = None
            return False
        process.before_child_ends()
        return True

    def _wake(self) -> None:
        self._wake_at = math.inf
        self._filled.notify()

    def _settled(self) -> int:
        """Give how many items have left the queue and are written or lost, as are all before them."""
        return self._begun if self._under_way else self._queued - len(self._queue)

    def _drop_oldest(self) -> bool:
        self._queue.popleft()
        self._losses.add("queue_full")
        return True

    def _drop_newest(self) -> bool:
        return False

    def _wait_for_room(self) -> bool:
        if self._stuck:
            return False
        self._wake()
        room = self._moved.wait_for(lambda: self._closed or len(self._queue) < self._limit, self._patience)
        self._stuck = self._stuck or not room
        return room and not self._closed

    def _abandon(self) -> None:
        """Lose what is in the queue, if the thread has not ended."""
        if not self._closed:
            self._losses.add("closed", len(self._queue))
            self._queue.clear()
            self._closed = self._stuck = True
            self._moved.notify_all()

    def _end(self) -> None:
        self._closed, self._thread = True, None
        self._moved.notify_all()

    def _take_reports(self) -> Counter[Loss]:
        now = time.monotonic()
        return self._losses.take(now) if self._closing or self._losses.due_in(now) == 0 else Counter()

    # Without it.

    def _run(self) -> None:
        while self._wait():
            with suppress(BaseException):  # a value's method may raise anything; the account is right, and it goes on
                self._write(self._take())

    def _take(self) -> list[T]:
        with self._lock:
            self._owner = threading.get_ident()
            self._begun = self._queued - len(self._queue)
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            self._under_way = len(batch)
            self._moved.notify_all()
            return batch

    def _wait(self) -> bool:
        """Wait for something to write; False when the thread is to end."""
        with self._lock:
            while not self._queue and not self._closing and self._losses.due_in(time.monotonic()) != 0:
                self._wake_at = 1
                self._filled.wait(self._losses.due_in(time.monotonic()))
            if len(self._queue) < self._enough and not self._closing and not self._urgent:
                self._wake_at = self._enough
                self._filled.wait(LINGER)
            self._wake_at = math.inf
            if self._closed or (self._closing and not self._queue and self._losses.due_in(0.0) is None):
                self._end()
                return False
            return True

    def _write_here(self, item: T) -> None:
        """Write *item* on the calling thread, in its turn; lose it where the sink does not come free."""
        with self._lock:
            within = self._owner == threading.get_ident()
            if within and self._nested:
                self._losses.add("recursion")
                return
            if not within and not self._take_turn():
                self._losses.add("closed" if self._closed else "queue_full")
                return
            self._nested = within
        if within:
            self._write_within(item)
        else:
            self._write([item])

    def _take_turn(self) -> bool:
        """Become the one that writes, when nobody is; with the lock."""
        free = self._moved.wait_for(lambda: not self._owner, 0.0 if self._stuck else self._patience)
        self._stuck = not free
        if free:
            self._owner = threading.get_ident()
        return free

    def _write_within(self, item: T) -> None:
        try:
            written = write_all(self._sink, [self._line(item)])
        finally:
            self._nested = False
        with self._lock:
            self._written += written
            self._losses.add("write_failed", 1 - written)

    def _write(self, batch: Sequence[T]) -> None:
        """Write *batch*, and before it what is due of reports; then the account is right again."""
        with self._lock:
            reports = self._take_reports()
        written = 0
        try:
            items = [*(self._report(reason, count) for reason, count in reports.items()), *batch]
            written = write_all(self._sink, [self._line(item) for item in items])
        finally:
            with self._lock:
                self._settle(len(batch), max(written - len(reports), 0))
                if written < len(reports) and not self._closing:
                    self._losses.put_back(reports)

    def _settle(self, count: int, written: int) -> None:
        self._written += written
        self._losses.add("write_failed", count - written)
        self._under_way = self._owner = 0
        self._stuck = False
        self._moved.notify_all()

    def _line(self, item: T) -> str:
        """Render *item*; whatever that raises, there is a line."""
        try:
            return self._render(item)
        except KeyboardInterrupt:
            raise
        except BaseException as exc:
            return unrendered(item, exc)
