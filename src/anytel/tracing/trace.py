"""The local trace: what the spans of one trace in this process share, and where they go when they have ended.

Finished spans stream: they leave when the local root ends, when it has been open for a flush interval, or when there
are `CHUNK` of them. No backend needs them complete.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Protocol

from anytel.backend import SpanContext
from anytel.tracing.record import Span, Unrecorded

if TYPE_CHECKING:
    from anytel.logs.event import LogEvent

__all__ = ["BREADCRUMBS", "CHUNK", "Sink", "Trace"]

CHUNK = 1_000
MAX_LIVE = 10_000
"""Open local traces that are watched: the spans of the others leave only when their root ends."""
BREADCRUMBS = 50
"""Log events of a trace that its error reports show."""
_NS = 1_000_000_000


class Sink(Protocol):
    """Where finished spans and error reports go; every call returns at once."""

    def start(self) -> None:
        """See to it that traces which stay open are asked for what has ended in them."""

    def take_spans(self, spans: list[Span]) -> None:
        """Take finished spans of one trace."""

    def take_root(self, root: Span) -> None:
        """Take the local root of a trace that is not sampled."""

    def take_exception(self, exc: BaseException, context: SpanContext | None, trace: Trace | None) -> str:
        """Take an exception that nobody handled; gives the report's id."""


class Trace:
    """The spans of one trace within this process."""

    __slots__ = (
        "_epoch", "_sink", "_unrecorded", "breadcrumbs", "closed", "disowned", "done", "dynamic_sampling", "id",
        "live", "open", "remote_parent", "root", "sample_rate", "sampled", "started", "tracestate",
    )  # fmt: skip

    root: Span

    def __init__(
        self,
        trace_id: int,
        remote_parent: SpanContext | None,
        sampled: bool,
        sample_rate: float | None,
        sink: Callable[[], Sink],
        live: dict[int, Trace],
    ) -> None:
        self.id = trace_id
        self.remote_parent = remote_parent
        self.sampled = sampled
        self.sample_rate = sample_rate
        self.tracestate = remote_parent.tracestate if remote_parent is not None else ""
        self.dynamic_sampling = remote_parent.dynamic_sampling if remote_parent is not None else ""
        self.open: dict[int, Span] = {}
        self.done: deque[Span] = deque()
        self.closed = False
        self.disowned: set[int] = set()
        """Spans that a shutdown has ended, or that another process will: their callers may end them yet."""
        self.live = live
        self._sink = sink
        self._unrecorded: Unrecorded | None = None
        self.breadcrumbs: deque[LogEvent] | None = None
        # One reading of the wall clock dates all spans: a clock step cannot make a duration negative.
        self.started = perf_counter_ns()
        self._epoch = time_ns() - self.started
        if sampled:
            live[id(self)] = self
            if len(live) > MAX_LIVE:  # the oldest was forgotten by the user: its spans leave when it ends, if it does
                with suppress(RuntimeError):  # another thread begins or ends a trace at this moment
                    live.pop(next(iter(live), 0), None)

    @property
    def unrecorded(self) -> Unrecorded:
        """The span that stands for all others of a trace that is not sampled."""
        if self._unrecorded is None:
            self._unrecorded = Unrecorded(self)
        return self._unrecorded

    def clock(self, moment: float | datetime) -> int:
        """Give *moment* (nanoseconds as an int, seconds as a float, or an aware datetime) on this trace's clock.

        Raises:
            TypeError, ValueError, OverflowError: *moment* is none of these.
        """
        if isinstance(moment, datetime):
            moment = moment.timestamp()
        if not isinstance(moment, int | float):
            raise TypeError("a time is an int, a float or a datetime")
        since_epoch = moment if isinstance(moment, int) else int(moment * _NS)
        if not 0 <= since_epoch < 2**63:
            raise OverflowError("a time lies between 1970 and 2262")
        return since_epoch - self._epoch

    def wall(self, moment: int) -> int:
        """Give a reading of this trace's clock in nanoseconds since the epoch."""
        return self._epoch + moment

    def finished(self, span: Span) -> None:
        """Take a span that has just ended, on the thread that ended it."""
        if not self.sampled:
            if span is self.root:
                self._sink().take_root(span)
            return
        # Whoever appends looks at `closed` afterwards, and the root closes before it takes: between any two threads
        # each span is taken exactly once, without a lock.
        done = self.done
        done.append(span)
        if span is self.root:
            self.closed = True
        if self.closed:
            self.hand_over()
            if not self.open:
                self.live.pop(id(self), None)
        elif (waiting := len(done)) >= CHUNK:
            self.hand_over()
        elif waiting == 1:
            self._sink().start()

    def hand_over(self) -> None:
        """Give what has ended to the sink; any thread, any number of times."""
        taken: list[Span] = []
        take = self.done.popleft
        try:
            while True:
                taken.append(take())
        except IndexError:
            if taken:
                self._sink().take_spans(taken)

    def disown(self) -> None:
        """In a forked child: what was begun so far is the other process's, which ends and sends it."""
        for span in list(self.open.values()):
            span._end = 1
        self.disowned.update(self.open)
        self.open.clear()
        self.done.clear()
        self.closed = True  # what this process begins in it is handed over at once

    def remember(self, event: LogEvent) -> None:
        """Keep a log event for the error report that may follow in this trace."""
        if self.breadcrumbs is None:
            self.breadcrumbs = deque(maxlen=BREADCRUMBS)
        self.breadcrumbs.append(event)

    def report(self, exc: BaseException, context: SpanContext) -> None:
        """Report an exception that left the local root."""
        self._sink().take_exception(exc, context, self)
