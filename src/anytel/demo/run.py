"""One run of the demo: configure, drive the traffic, flush, and gather what was emitted and what arrived."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import anytel
from anytel.backend import SpanRecord
from anytel.demo.app import SERVICE, create_app
from anytel.demo.compare import Difference, compare
from anytel.demo.server import Server
from anytel.demo.traffic import Answer, Plan, drive
from anytel.pipeline.accounts import Stats
from anytel.testing.observe import environment, observer
from anytel.testing.observe.memory import Recorder
from anytel.testing.observe.output import OutputObserver
from anytel.testing.observe.seen import Seen
from anytel.tracing.ids import trace_hex

__all__ = ["Result", "Trace", "run"]

TIMEOUT = 15.0
"""Seconds that delivering everything may take."""
INTERVAL = 1.0
"""Seconds between two metric batches: short, so that a short run has several."""


@dataclass(frozen=True, slots=True)
class Trace:
    """All spans of one request, in the order in which they began, and its answer."""

    answer: Answer
    root: SpanRecord
    spans: Sequence[SpanRecord]

    @property
    def id(self) -> str:
        """The trace id, 32 hex digits."""
        return trace_hex(self.root.context.trace_id)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run. *recorder* has the records as they were emitted, *emitted* the same as `Seen`."""

    backends: Sequence[str]
    answers: Sequence[Answer]
    recorder: Recorder
    emitted: Seen
    seen: Sequence[Seen]
    stats: Stats
    delivered: bool

    @property
    def traces(self) -> list[Trace]:
        """The requests' traces, in the order in which the requests were made."""
        spans: defaultdict[int, list[SpanRecord]] = defaultdict(list)
        for span in sorted(self.recorder.finished, key=lambda one: one.start_ns):
            spans[span.context.trace_id].append(span)
        roots = {str(span.attributes.get("request_id")): span for span in self.recorder.finished if span.is_root}
        pairs = [(answer, roots[answer.request_id]) for answer in self.answers if answer.request_id in roots]
        return [Trace(answer, root, spans[root.context.trace_id]) for answer, root in pairs]

    def differences(self) -> list[Difference]:
        """Give everything that is not as it should be; nothing, if all places agree."""
        found = [*_answered(self), *_accounted(self)]
        for seen in self.seen:
            found += compare(self.emitted, seen)
        return found


def run(backends: Sequence[str], traffic: Plan, progress: Callable[[Answer], None]) -> Result:
    """Run the service with *backends*, each pointed at receivers in this process, and send *traffic* to it.

    While it runs, standard output is taken and the vendors' variables are set in the environment.

    Raises:
        ConfigError: A backend cannot be used.
        ModuleNotFoundError: What the receivers need is not installed.
    """
    with ExitStack() as stack:
        observers = {name: stack.enter_context(observer(name)) for name in backends}
        stack.enter_context(environment(observers.values()))
        output = stack.enter_context(OutputObserver())
        stack.callback(anytel.shutdown, TIMEOUT)
        recorder = Recorder()
        anytel.configure(
            capture_stdlib=False,  # the lines of the HTTP client are not the service's
            service=SERVICE,
            environment="demo",
            backends=[*backends, recorder],
            sample_rate=1.0,
            log_format="json",
            log_level="info",
            flush_interval=INTERVAL,
        )
        with Server(create_app()) as server:
            answers = drive(server.url, traffic, progress)
        delivered = anytel.flush(TIMEOUT)
        seen = [*(one.seen(recorder.catalogue()) for one in observers.values()), output.seen()]
        return Result(backends, answers, recorder, recorder.seen(), seen, anytel.stats(), delivered)


def _answered(result: Result) -> Iterator[Difference]:
    """Say which answers are not those that were expected, and which have not exactly one trace with their ids."""
    roots = Counter(str(span.attributes.get("request_id")) for span in result.recorder.finished if span.is_root)
    for answer in result.answers:
        what = f"{answer.call.method} {answer.call.path} ({answer.request_id})"
        if answer.status != answer.call.status:
            yield Difference("service", "request", what, f"answered {answer.status}, not {answer.call.status}")
        if roots[answer.request_id] != 1:
            yield Difference("service", "request", what, f"has {roots[answer.request_id]} traces")
    for trace in result.traces:
        if trace.answer.trace_id not in ("", trace.id):
            problem = f"the answer names another trace: {trace.answer.trace_id}"
            yield Difference("service", "request", trace.id, problem)


def _accounted(result: Result) -> Iterator[Difference]:
    """Say what the pipeline itself knows that it has dropped, refused or not delivered in time."""
    if not result.delivered:
        yield Difference("pipeline", "account", "flush", f"not everything was delivered within {TIMEOUT:g} s")
    for backend, signals in result.stats.backends.items():
        for signal, counts in signals.items():
            for reason, count in counts.dropped.items():
                yield Difference(backend, "account", signal, f"{count} dropped: {reason}")
    for reason, count in result.stats.refused.items():
        yield Difference("service", "account", reason, f"{count} calls of the API were refused")
