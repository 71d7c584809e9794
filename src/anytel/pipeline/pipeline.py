"""The pipeline: one bounded buffer that callers append to, and the dispatcher that empties it."""

from __future__ import annotations

import contextvars
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from anytel.attributes import Value
from anytel.backend import Backend, ErrorRecord, LogRecord, Signal, SpanContext, SpanRecord
from anytel.logs.event import LogEvent, log_record
from anytel.metrics.store import Store
from anytel.pipeline.accounts import Counts
from anytel.pipeline.guard import logger
from anytel.pipeline.host import BackendHost
from anytel.pipeline.outlet import Outlet, join
from anytel.pipeline.records import Report, error_record, span_record
from anytel.redaction import Redactor
from anytel.tracing import exceptions
from anytel.tracing.context import bound
from anytel.tracing.joined import JoinedSpan, seen_by
from anytel.tracing.record import Span
from anytel.tracing.trace import Trace
from anytel.tracing.tracer import NoopTracer

__all__ = ["BUFFER", "Intervals", "Pipeline"]

BUFFER = 50_000
"""Spans, log events and errors that wait for the dispatcher; beyond, new ones are dropped and counted."""

SIGNALS: tuple[Signal, ...] = ("span", "metric", "log", "error")

Finished = list[Span] | LogEvent | Report


@dataclass(frozen=True, slots=True)
class Intervals:
    """Seconds between two runs of the dispatcher: for spans, log events and errors, and for metrics."""

    stream: float = 1.0
    metrics: float = 10.0


class Pipeline:
    """Takes what callers have recorded and brings it to the backends. One per `configure`."""

    def __init__(
        self,
        backends: Sequence[Backend],
        resource: Mapping[str, str],
        sample_rate: float,
        redactor: Redactor,
        store: Store,
        intervals: Intervals,
        error_tags: Sequence[str] = (),
    ) -> None:
        self.error_tags = error_tags
        self.backends, self.redactor, self.store, self.intervals = backends, redactor, store, intervals
        self.service = resource.get("service.name", "")
        self._host: Callable[[str], BackendHost] = lambda name: BackendHost(
            name, resource, sample_rate, redactor, store
        )
        self.tracer = NoopTracer()
        self._reset()

    def open(self) -> None:
        """Open the backends. What one raises goes to the caller, after the others were closed again."""
        opened: list[Outlet] = []
        try:
            for outlet in (*self.outlets, *self.pulled):
                outlet.open()
                opened.append(outlet)
        except BaseException:
            for outlet in opened:
                outlet.close(time.monotonic())
            raise

    def _reset(self) -> None:
        outlets = [Outlet(backend, self._host(backend.name)) for backend in self.backends]
        self.outlets = [outlet for outlet in outlets if outlet.backend.metric_flow != "pull"]
        self.pulled = [outlet for outlet in outlets if outlet not in self.outlets]
        self._for: dict[Signal, list[Outlet]] = {
            signal: [outlet for outlet in self.outlets if signal in outlet.backend.signals] for signal in SIGNALS
        }
        self.wants_events = bool(self._for["log"] or self._for["error"])
        self._roots = [outlet for outlet in self._for["span"] if outlet.backend.unsampled_roots]
        self._buffer: deque[Finished] = deque()
        self._put = self._taken = 0
        self._full: dict[Signal, int] = {"span": 0, "log": 0, "error": 0}
        self._wake = threading.Event()
        self._turn = threading.RLock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._tick_at = time.monotonic() + self.intervals.metrics
        self._stopped = False

    # What callers do: no lock, no thread switch. `_put` is written between loading and storing it without giving up the
    # GIL, and `_taken` by the dispatcher alone.

    def take_spans(self, spans: list[Span]) -> None:
        """Take finished spans of one trace; see `anytel.tracing.trace.Sink`."""
        if self._for["span"]:
            self._append("span", spans, len(spans))

    def take_root(self, root: Span) -> None:
        """Take the root of a trace that is not sampled, where a backend wants it."""
        if self._roots:
            self._append("span", [root], 1)

    @property
    def wants_errors(self) -> bool:
        """Whether any backend takes error reports."""
        return bool(self._for["error"])

    @property
    def wants_exemplars(self) -> bool:
        """Whether any backend shows exemplars."""
        return any(backend.exemplars for backend in self.backends)

    def take_log(self, event: LogEvent) -> None:
        """Take a log event."""
        if self._for["log"]:
            self._append("log", event, 1)

    def take_exception(
        self,
        exc: BaseException,
        context: SpanContext | None,
        trace: Trace | None,
        attributes: Mapping[str, Value] = MappingProxyType({}),
        *,
        handled: bool = False,
    ) -> str:
        """Report an exception once, whoever sees it first; gives the report's id."""
        known = exceptions.marked(exc).error_id
        if known is not None:
            return known
        report = Report.of(exc, context, trace, {**bound.get(), **attributes}, handled=handled)
        return self._report(report, exc)

    def take_error_event(self, event: LogEvent, exc: BaseException | None) -> str:
        """Report what was logged as an error, with its exception if there is one; gives the report's id."""
        known = exceptions.marked(exc) if exc is not None else exceptions.Mark(None, None)
        return known.error_id or self._report(Report.logged(event, known.context), exc)

    def _report(self, report: Report, exc: BaseException | None) -> str:
        """Remember the report on all exceptions that it covers, and send it."""
        reserved = exceptions.marked(exc).reserved if exc is not None else ""
        if reserved:
            report = report._replace(id=reserved)
        for member in exceptions.members(exc) if exc is not None else ():
            known = exceptions.marked(member)
            exceptions.mark(member, known._replace(error_id=known.error_id or report.id))
        if self._for["error"]:
            self._append("error", report, 1)
        return report.id

    def _append(self, signal: Signal, item: Finished, size: int) -> None:
        waiting = self._put - self._taken
        if waiting + size > BUFFER or self._stopped:
            self._full[signal] += size
            return
        self._put += size
        self._buffer.append(item)
        if self._thread is None:
            self.start()
        if waiting > BUFFER // 2:
            self._wake.set()

    def start(self) -> None:
        """Start the dispatcher, if it does not run; nobody does before there is something to do."""
        if self._thread is not None:
            return
        if not self._starting.acquire(blocking=False):
            return  # somebody is starting it, or this is a signal handler in the midst of that
        try:
            if self._thread is None and not self._stopped:
                thread = threading.Thread(target=self._run, name="anytel-dispatcher", daemon=True)
                contextvars.Context().run(thread.start)  # as an outlet's
                self._thread = thread
        except RuntimeError:  # the interpreter is going down; `flush` works on its own thread
            return
        finally:
            self._starting.release()

    def start_if_recorded(self) -> None:
        """Start where something was recorded before this pipeline was in force."""
        if self.store.recorded:
            self.start()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(self.intervals.stream)
            self._wake.clear()
            try:
                self._stale()
                with self._turn:
                    if not self._stopped:
                        self.turn(metrics=time.monotonic() >= self._tick_at)
            except Exception:  # a defect of ours must not end all telemetry
                logger.exception("the dispatcher failed; what it held is lost")

    def _stale(self) -> None:
        """Have the traces that have been open for an interval hand over what has ended in them."""
        before = time.perf_counter_ns() - int(self.intervals.stream * 1e9)
        for trace in list(self.tracer.live.values()):
            if trace.started < before and trace.done:
                trace.hand_over()

    def turn(self, *, metrics: bool) -> None:
        """Empty the buffer into the outlets' queues, and end the metrics' interval if asked."""
        with self._turn:
            self._account_full()
            taken = [self._buffer.popleft() for _ in range(len(self._buffer))]
            self._taken += sum(len(item) if isinstance(item, list) else 1 for item in taken)
            self._spans([span for item in taken if isinstance(item, list) for span in item])
            self._offer("log", [log_record(item) for item in taken if isinstance(item, LogEvent)])
            reports = [item for item in taken if isinstance(item, Report)]
            self._offer("error", [error_record(item, self.redactor, self.error_tags) for item in reports])
            if metrics:
                self._tick()

    def _spans(self, spans: list[Span]) -> None:
        kept: list[tuple[Span, SpanRecord]] = []
        roots: list[tuple[Span, SpanRecord]] = []
        for span in spans:
            record = span_record(span, self.redactor, self.service)
            (kept if span.sampled else roots).append((span, record))
        self._offer_spans(self._for["span"], kept)
        self._offer_spans(self._roots, roots)

    @staticmethod
    def _offer_spans(outlets: Sequence[Outlet], spans: Sequence[tuple[Span, SpanRecord]]) -> None:
        records = [record for _, record in spans]
        joined = any(type(span) is JoinedSpan for span, _ in spans)
        for outlet in outlets if spans else ():
            seen, handed = seen_by(outlet.name, spans) if joined else (records, 0)
            outlet.account.handed("span", handed)
            if seen:
                outlet.offer("span", seen)

    def _offer(self, signal: Signal, records: Sequence[SpanRecord | LogRecord | ErrorRecord]) -> None:
        for outlet in self._for[signal] if records else ():
            outlet.offer(signal, records)

    def _tick(self) -> None:
        self._tick_at = time.monotonic() + self.intervals.metrics
        batches = {"delta": self.store.tick()}
        for outlet in self._for["metric"]:
            flow = outlet.backend.metric_flow
            if flow == "cumulative" and flow not in batches:
                # Also after an interval in which nothing happened: a series that is not sent is taken for a stale one.
                batches[flow] = self.store.totals(flow)
            if flow in batches and batches[flow].points:
                outlet.offer("metric", [batches[flow]])

    def _account_full(self) -> None:
        for signal, count in self._full.items():
            if count:
                self._full[signal] -= count
                for outlet in self._for[signal]:
                    outlet.account.emitted(signal, count)
                    outlet.account.dropped(signal, count, "closed" if self._stopped else "buffer_full")

    def flush(self, deadline: float) -> bool:
        """Deliver everything recorded so far, until *deadline* at most; whether all of it was."""
        for trace in list(self.tracer.live.values()):
            trace.hand_over()
        lost = self._lost()
        in_time = self._last_turn(deadline, stop=False)
        return _each(self.outlets, lambda outlet: outlet.flush(deadline), deadline) and in_time and self._lost() == lost

    def close(self, deadline: float) -> bool:
        """Flush, end the threads and close the backends."""
        lost = self._lost()
        in_time = self._last_turn(deadline, stop=True)
        self._wake.set()
        done = _each((*self.outlets, *self.pulled), lambda outlet: outlet.close(deadline), deadline)
        join(self._thread, deadline)
        self.turn(metrics=False)  # what came after the last turn is counted
        return done and in_time and self._lost() == lost

    def discard(self) -> None:
        """Forget what was recorded, end the threads and close the backends; for tests."""
        with self._turn:
            self._stopped = True
            self._buffer.clear()
        self._wake.set()
        for outlet in (*self.outlets, *self.pulled):
            outlet.discard()

    def _last_turn(self, deadline: float, *, stop: bool) -> bool:
        """Take a turn as soon as the dispatcher allows it; with *stop* the dispatcher's next is none."""
        in_time = self._turn.acquire(timeout=max(deadline - time.monotonic(), 0))
        if in_time:
            self._account_full()
        self._stopped = self._stopped or stop
        if in_time:
            try:
                self.turn(metrics=True)
            except Exception:  # as in `_run`
                logger.exception("the last records could not be handed over; they are lost")
                in_time = False
            finally:
                self._turn.release()
        return in_time

    def _lost(self) -> list[int]:
        return [outlet.account.lost() for outlet in self.outlets]

    def counts(self) -> dict[str, Mapping[Signal, Counts]]:
        """Give the accounts of all backends."""
        with self._turn:
            self._account_full()
        return {outlet.name: outlet.account.counts() for outlet in (*self.outlets, *self.pulled)}

    def after_fork(self) -> None:
        """In a forked child: nothing inherited is sent, and the backends open again, those pushed to at first use."""
        self._reset()
        for outlet in self.pulled:
            try:
                outlet.open()
            except Exception as exc:
                outlet.guard.failed(f"opening in process {os.getpid()}", exc)


def _each(outlets: Sequence[Outlet], do: Callable[[Outlet], bool], deadline: float) -> bool:
    """Do something with all outlets at once, so that they share the deadline, and none can keep the caller."""
    results: dict[Outlet, bool] = {}
    threads = []
    for outlet in outlets:
        thread = threading.Thread(target=lambda one=outlet: results.__setitem__(one, do(one)), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # at the interpreter's end there are no more threads: one after the other
            results[outlet] = do(outlet)
        else:
            threads.append(thread)
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0.01))
    return all(results.get(outlet, False) for outlet in outlets)
