"""The backend: what `anytel` calls."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Protocol, TypeVar

from anytel.backend import (
    Ack,
    Backend,
    ErrorRecord,
    Host,
    LogRecord,
    MetricBatch,
    Point,
    Series,
    Signal,
    SpanRecord,
    Spelling,
)
from anytel_otlp import metrics, spans
from anytel_otlp.answers import problem_in, rejected_in
from anytel_otlp.common import Resources
from anytel_otlp.fidelity import FIDELITY
from anytel_otlp.logs import render_errors, render_logs
from anytel_otlp.sender import Answer, Sender
from anytel_otlp.settings import Settings, Stream

__all__ = ["OtlpBackend"]

T = TypeVar("T", SpanRecord, Point, LogRecord, ErrorRecord)

logger = logging.getLogger("anytel")
QUIET = 60.0
"""Seconds between two reports of the same kind of problem."""
MAX_PAYLOAD = 4 << 20
"""Bytes of one request before compression: what every collector and the proxies before it take."""


class _Message(Protocol):
    def ByteSize(self) -> int: ...  # noqa: N802 -- protobuf's name
    def SerializeToString(self) -> bytes: ...  # noqa: N802 -- as above


class OtlpBackend(Backend):
    """Sends everything to an OpenTelemetry collector, or to a vendor that takes OTLP, over HTTP and protobuf.

    *endpoint* and *headers* stand for ``OTEL_EXPORTER_OTLP_ENDPOINT`` and ``OTEL_EXPORTER_OTLP_HEADERS`` and their
    forms for single signals, *temporality* ("cumulative" or "delta") for
    ``OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE``. Without any, everything goes to ``http://localhost:4318``.

    Raises:
        ConfigError: a setting cannot be used.
    """

    name: ClassVar[str] = "otlp"
    signals: ClassVar[frozenset[Signal]] = frozenset({"span", "metric", "log", "error"})
    exemplars: ClassVar[bool] = True
    fidelity: ClassVar[Mapping[str, str]] = FIDELITY

    def __init__(
        self,
        endpoint: str | None = None,
        headers: Mapping[str, str] | None = None,
        temporality: str | None = None,
    ) -> None:
        self._settings = Settings.read(endpoint, headers, temporality)
        self.metric_flow = self._settings.temporality
        self._senders: Mapping[Stream, Sender] = {}

    @classmethod
    def spelling(cls, series: Series, /) -> Spelling:
        """Give the names as they are sent, which are ours."""
        return metrics.spelling(series)

    def open(self, host: Host, /) -> None:
        """Make ready to send; no connection is made yet.

        Raises:
            ConfigError: a certificate or key cannot be read.
        """
        # Those inherited by a forked child are kept, not closed: another thread may have held their locks at the fork.
        self._inherited, settings = self._senders, self._settings
        self._senders = {
            "traces": Sender(settings.traces),
            "metrics": Sender(settings.metrics),
            "logs": Sender(settings.logs),
        }
        self._resources = Resources(host.resource, settings.resource)
        self._renderer = metrics.Renderer(self._resources, exponential=settings.exponential)
        self._exemplars_until = 0
        self._reported: dict[tuple[Stream, int], float] = {}

    def spans(self, batch: Sequence[SpanRecord], deadline: float, /) -> Ack:
        """Send spans."""
        return self._send("traces", batch, lambda some: spans.render(some, self._resources), deadline)

    def metrics(self, batch: MetricBatch, deadline: float, /) -> Ack:
        """Send one interval's points. Totals show each exemplar in the first interval that is delivered."""
        since = self._exemplars_until if batch.flow == "cumulative" else 0
        ack = self._send("metrics", batch.points, lambda some: self._renderer.render(some, batch, since), deadline)
        if not ack.retry:
            self._exemplars_until = batch.end_ns
        return ack

    def logs(self, batch: Sequence[LogRecord], deadline: float, /) -> Ack:
        """Send log events."""
        return self._send("logs", batch, lambda some: render_logs(some, self._resources), deadline)

    def errors(self, batch: Sequence[ErrorRecord], deadline: float, /) -> Ack:
        """Send error reports, as log records."""
        return self._send("logs", batch, lambda some: render_errors(some, self._resources), deadline)

    def close(self, deadline: float, /) -> bool:
        """Close the connections; nothing is held back that could be sent."""
        for sender in self._senders.values():
            sender.close()
        self._senders = {}
        return True

    def _send(
        self, stream: Stream, batch: Sequence[T], render: Callable[[Sequence[T]], _Message], deadline: float
    ) -> Ack:
        """Send a batch in as many requests as its size asks for; from the first that has to wait on, all wait."""
        delivered, dropped = 0, Counter[str]()
        for count, body in _payloads(batch, render):
            answer = self._senders[stream].post(body, deadline)
            if answer.retryable:
                waiting = len(batch) - delivered - dropped.total()
                return Ack(delivered, dict(dropped), waiting, answer.retry_after)
            if answer.ok:
                rejected = min(self._rejected(stream, answer), count)
                delivered += count - rejected
                dropped += Counter(rejected=rejected)
            else:
                dropped[f"http_{answer.status}"] += count
                self._report(stream, answer, f"answered {answer.status}", problem_in(answer.body))
        return Ack(delivered, dict(dropped))

    def _rejected(self, stream: Stream, answer: Answer) -> int:
        """Give how many items of a request that was accepted were not."""
        rejected, message = rejected_in(stream, answer.body)
        if rejected or message:
            self._report(stream, answer, f"rejected {rejected} of a request", message)
        return rejected

    def _report(self, stream: Stream, answer: Answer, problem: str, message: str) -> None:
        """Log a problem, those with the same status once in a while; `anytel.stats` counts them all."""
        now, kind = time.monotonic(), (stream, answer.status)
        if now - self._reported.get(kind, -QUIET) >= QUIET:
            self._reported[kind] = now
            logger.warning("otlp: the receiver of %s %s%s", stream, problem, f": {message}" if message else "")


def _payloads(batch: Sequence[T], render: Callable[[Sequence[T]], _Message]) -> Iterator[tuple[int, bytes]]:
    """Give the number of items of each request, and its body."""
    if not batch:
        return
    message = render(batch)
    if message.ByteSize() <= MAX_PAYLOAD or len(batch) == 1:
        yield len(batch), message.SerializeToString()
    else:
        middle = len(batch) // 2
        yield from _payloads(batch[:middle], render)
        yield from _payloads(batch[middle:], render)
