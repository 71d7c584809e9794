"""The ``telemetry`` fixture: what it captures, and what a test asserts of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import anytel
from anytel.backend import MetricKind, SpanContext
from anytel.backends.memory import MemoryBackend, merged
from anytel.testing.captured import CapturedError, CapturedLog, CapturedMetric, CapturedSpan, shown
from anytel.testing.clock import START, Clock
from anytel.testing.found import Errors, Logs, Metrics, Spans, emitted
from anytel.testing.isolation import TIMEOUT, Isolation
from anytel.testing.validity import problems
from anytel.tracing import ids

if TYPE_CHECKING:
    from anytel.testing.replay import Replay

__all__ = ["Records", "Telemetry", "capture"]


class Records:
    """The records of one test, with what joins them."""

    def __init__(self, memory: MemoryBackend, earlier: frozenset[int]) -> None:
        finished = sorted(memory.finished.copy(), key=lambda one: one.start_ns)
        self._spans = [CapturedSpan(one, self) for one in finished if one.context.span_id not in earlier]
        self._by_id = {one.record.context.span_id: one for one in self._spans}
        self._logs = [CapturedLog(one, self) for one in list(memory.events)]
        self._errors = [CapturedError(one, self) for one in list(memory.reports)]
        self.spans, self.logs, self.errors = Spans(self._spans), Logs(self._logs), Errors(self._errors)
        self.metrics = Metrics(CapturedMetric(merged(points), self) for points in memory.series(fresh=True).values())

    def span(self, span_id: int) -> CapturedSpan | None:
        """Give the span with that id."""
        return self._by_id.get(span_id)

    def children(self, span_id: int) -> Spans:
        """Give the spans below that one."""
        return Spans(one for one in self._spans if one.record.parent_id == span_id)

    def below(self, span: CapturedSpan) -> Spans:
        """Give all spans below *span*, each before those below it."""
        found: list[CapturedSpan] = []
        rest = list(span.children)
        while rest:
            one = rest.pop(0)
            found.append(one)
            rest[:0] = one.children
        return Spans(found)

    def logs_of(self, context: SpanContext) -> Logs:
        """Give the log events of one span."""
        return Logs(one for one in self._logs if one.record.context == context)

    def errors_of(self, context: SpanContext) -> Errors:
        """Give the error reports of one span."""
        return Errors(one for one in self._errors if one.record.context == context)


class Telemetry:
    """Everything that a test emits. Reading it waits until what was recorded so far has arrived.

    Where an assertion fails, its message has what was emitted instead, the nearest first.
    """

    def __init__(self, memory: MemoryBackend, isolation: Isolation, replay: Replay | None, undo: ExitStack) -> None:
        self._memory, self._isolation, self._replay, self._undo = memory, isolation, replay, undo

    @property
    def _records(self) -> Records:
        __tracebackhide__ = True
        if not anytel.flush(TIMEOUT):
            raise AssertionError(f"not everything arrived within {TIMEOUT:g} s: {anytel.stats()}")
        return Records(self._memory, self._isolation.earlier)

    @property
    def spans(self) -> Spans:
        """The spans that have ended."""
        return self._records.spans

    @property
    def logs(self) -> Logs:
        """The log events, from the level on that is set."""
        return self._records.logs

    @property
    def errors(self) -> Errors:
        """The error reports."""
        return self._records.errors

    @property
    def metrics(self) -> Metrics:
        """The series, each over the whole test."""
        return self._records.metrics

    def clear(self) -> None:
        """Forget what was emitted so far."""
        anytel.flush(TIMEOUT)
        self._memory.clear()
        self._isolation.refusals.clear()

    def fix_ids(self, seed: int = 0) -> None:
        """Have trace, span and error ids follow from *seed*, until the test ends: the same ones in each run.

        Threads that make ids at once still take them in any order.
        """
        state = ids._random.getstate()
        self._undo.callback(ids._random.setstate, state)
        ids._random.seed(seed)

    def fix_clock(self, start: str = START) -> Clock:
        """Have time stand still at *start* (ISO 8601, UTC unless it says otherwise) until it is advanced.

        It holds for the times of spans, events, log lines and errors, and for the durations that anytel measures;
        not for the application's own clock.
        """
        clock = Clock(start)
        clock.install()
        self._undo.callback(clock.uninstall)
        return clock

    def received(self, backend: str) -> Any:
        """Give what the real adapter of *backend* has sent, decoded: the receiver of `anytel.testing.receivers`.

        Raises:
            LookupError: The test is not marked with ``@pytest.mark.telemetry(backends=[...])`` of that name.
        """
        if self._replay is None or backend not in self._replay.backends:
            fix = f"mark the test with @pytest.mark.telemetry(backends=[{backend!r}])"
            raise LookupError(f"nothing is sent to {backend!r} here: {fix}")
        anytel.flush(TIMEOUT)
        return self._replay.received(backend)

    def assert_count(self, name: str, value: float, *, tags: Mapping[str, object] | None = None) -> None:
        """Assert that the count *name* has gone up by *value*, over all series that have *tags* and maybe others."""
        __tracebackhide__ = True
        total = sum(series.value for series in self._of("count", name, tags or {}))
        self._compare("count", name, tags or {}, "value", value, total)

    def assert_gauge(self, name: str, value: float, *, tags: Mapping[str, object] | None = None) -> None:
        """Assert that the last value of the gauge *name* is *value*, in the one series that has *tags*."""
        __tracebackhide__ = True
        self._compare("gauge", name, tags or {}, "value", value, self._only("gauge", name, tags or {}).value)

    def assert_distribution(
        self,
        name: str,
        samples: Iterable[float] | None = None,
        *,
        count: int | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> None:
        """Assert which *samples*, in any order, or how many (*count*), the distribution *name* has recorded.

        All series count that have *tags* and maybe others. With neither, that there is a sample.
        """
        __tracebackhide__ = True
        self._sampled("distribution", name, samples, count, tags or {})

    def assert_histogram(
        self,
        name: str,
        samples: Iterable[float] | None = None,
        *,
        count: int | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> None:
        """Assert of the histogram *name* what `assert_distribution` asserts of a distribution."""
        __tracebackhide__ = True
        self._sampled("histogram", name, samples, count, tags or {})

    def assert_set(self, name: str, members: Iterable[object], *, tags: Mapping[str, object] | None = None) -> None:
        """Assert which different values, compared as text, the set *name* has seen in all series that have *tags*."""
        __tracebackhide__ = True
        found = {member for series in self._of("set", name, tags or {}) for member in series.members}
        self._compare("set", name, tags or {}, "values", sorted(map(str, members)), sorted(found))

    def assert_valid(self, *, allow_undeclared: bool = False) -> None:
        """Assert that telemetry was used as it is meant to be.

        No span is open, or was ended or used twice; times are in order; the API has refused nothing, as an undeclared
        tag; nothing was dropped; and every metric was declared, unless *allow_undeclared*.

        Raises:
            AssertionError: All that is wrong, one line each.
        """
        __tracebackhide__ = True
        found = problems(self._records.spans, self._records.metrics, self._isolation.refusals, allow_undeclared)
        if found:
            raise AssertionError(
                "telemetry was not used as it is meant to be:\n" + "\n".join(f"  {one}" for one in found)
            )

    def _of(self, kind: MetricKind, name: str, tags: Mapping[str, object]) -> Sequence[CapturedMetric]:
        return [series for series in self.metrics.all(name, tags) if series.kind == kind]

    def _only(self, kind: MetricKind, name: str, tags: Mapping[str, object]) -> CapturedMetric:
        __tracebackhide__ = True
        found = self._of(kind, name, tags)
        if len(found) != 1:
            self._compare(kind, name, tags, "number of series", 1, len(found))
        return found[0]

    def _sampled(
        self,
        kind: MetricKind,
        name: str,
        samples: Iterable[float] | None,
        count: int | None,
        tags: Mapping[str, object],
    ) -> None:
        __tracebackhide__ = True
        found = self._of(kind, name, tags)
        number = sum(series.count for series in found)
        if samples is not None:
            recorded = sorted(sample for series in found for sample in series.samples)
            self._compare(kind, name, tags, "samples", sorted(samples), recorded)
        if count is not None:
            self._compare(kind, name, tags, "number of samples", count, number)
        if samples is None and count is None and not number:
            self._compare(kind, name, tags, "number of samples", "1 or more", number)

    def _compare(
        self, kind: MetricKind, name: str, tags: Mapping[str, object], what: str, expected: object, found: object
    ) -> None:
        __tracebackhide__ = True
        if found != expected:
            instead = emitted(self.metrics, "metric", name, tags)
            raise AssertionError(f"{kind} {name}{shown(tags)}: expected {what} {expected}, found {found}{instead}")


@contextmanager
def capture(
    backends: Sequence[str] = (), *, strict: bool | None = None, sample_rate: float = 1.0
) -> Iterator[Telemetry]:
    """Capture what the block emits, in all threads of the process; what the fixture does, for other test runners.

    What `anytel.configure` was given before, or is given within the block, holds, but that nothing reaches a vendor
    and that traces are kept as *sample_rate* says. With *backends*, the records also go through these real adapters to
    receivers on the loopback interface; see `Telemetry.received`. *strict* turns all misuse into `MisuseError`; by
    default it is as configured.

    Raises:
        ConfigError: One of the settings in the environment cannot be used.
    """
    with ExitStack() as undo:
        replay = _replay(backends, undo)
        memory = MemoryBackend(limit=None)
        isolation = undo.enter_context(Isolation(memory, backends, strict, sample_rate))
        yield Telemetry(memory, isolation, replay, undo)


def _replay(backends: Sequence[str], undo: ExitStack) -> Replay | None:
    if not backends:
        return None
    from anytel.testing.replay import Replay  # noqa: PLC0415 -- needs the vendors' extras

    return undo.enter_context(Replay(backends))
