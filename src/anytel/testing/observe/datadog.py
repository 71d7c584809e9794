"""What Datadog's Agent got: traces at its trace API, metrics at its DogStatsD socket."""

from __future__ import annotations

import math
import re
import socket
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import NamedTuple, Self

from anytel.testing.observe.lookup import Lookup, series_key
from anytel.testing.observe.seen import Catalogue, Metric, Reading, Seen, SeenSpan, SeriesKey
from anytel.testing.receivers import dogstatsd
from anytel.testing.receivers.datadog import DatadogAgent, Span, trace_id_of
from anytel.testing.receivers.dogstatsd import DogStatsD
from anytel.tracing.ids import span_hex, trace_hex

__all__ = ["DatadogObserver"]

_END = "anytel.demo.end"
"""A metric of our own: what was sent before it has been read once it has."""


class Received(NamedTuple):
    """The Agent's two halves: what it takes of traces, and of metrics."""

    agent: DatadogAgent
    statsd: DogStatsD


class DatadogObserver:
    """Runs an Agent."""

    def __init__(self) -> None:
        self._agent, self._statsd = DatadogAgent(), DogStatsD()
        self._running = ExitStack()

    @property
    def settings(self) -> Mapping[str, str]:
        """Where the Agent's two addresses are."""
        return {"DD_TRACE_AGENT_URL": self._agent.url, "DD_DOGSTATSD_URL": self._statsd.url}

    def __enter__(self) -> Self:
        self._running.enter_context(self._agent)
        self._running.enter_context(self._statsd)
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._running.__exit__(kind, exc, tb)

    def received(self) -> Received:
        """Give the two receivers, after all that was sent has been read."""
        self._read_all()
        return Received(self._agent, self._statsd)

    def seen(self, catalogue: Catalogue) -> Seen:
        """Tell what was in the traces and datagrams."""
        agent, statsd = self.received()
        lines = [line for line in statsd.metrics if line.name != _END]
        broken = [f"{one.problem}: {one.line!r}" for one in statsd.malformed]
        return Seen(
            place="datadog",
            spans=[_span(trace_id_of(trace), span) for trace in agent.traces for span in trace],
            metrics=_metrics(lines, Lookup(catalogue, _spell)),
            malformed=[*agent.malformed, *broken],
            fed_samples=True,
        )

    def _read_all(self) -> None:
        """Wait until every datagram that was sent so far is read: a socket gives them in their order."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(f"{_END}:1|c".encode(), (self._statsd.host, self._statsd.port))
        self._statsd.wait(lambda statsd: any(line.name == _END for line in statsd.metrics))


def _span(trace_id: int, span: Span) -> SeenSpan:
    return SeenSpan(
        trace_hex(trace_id),
        span_hex(span["span_id"]),
        span_hex(span["parent_id"]) if span["parent_id"] else "",
        "",  # its name is an operation there, and what we call a name its resource
        span["service"],
        span["error"] == 1,
        span["start"],
        span["start"] + span["duration"],
    )


def _spell(key: SeriesKey, metric: Metric) -> SeriesKey:
    """Spell as Datadog allows it: other characters are underscores."""
    tags = (re.sub(r"[^\w\-:./]", "_", f"{name}:{value}").partition(":") for name, value in key.tags)
    return series_key(re.sub(r"[^A-Za-z0-9_.]", "_", key.metric), {name: value for name, _, value in tags})


def _metrics(received: Sequence[dogstatsd.Metric], lookup: Lookup) -> Mapping[SeriesKey, Reading]:
    lines: defaultdict[tuple[SeriesKey, str], list[dogstatsd.Metric]] = defaultdict(list)
    for line in received:
        lines[lookup.find(line.name, line.labels), line.kind].append(line)
    return {key: _reading(kind, some) for (key, kind), some in lines.items()}


def _reading(kind: str, lines: Sequence[dogstatsd.Metric]) -> Reading:
    if kind == "set":
        return Reading(kind=kind, count=len({value for line in lines for value in line.values}))
    if kind == "gauge":
        return Reading(kind=kind, value=float(lines[-1].values[-1]))
    total = math.fsum(float(value) / line.rate for line in lines for value in line.values)
    if kind == "count":
        return Reading(kind=kind, value=total)
    return Reading(kind=kind, value=total, count=round(sum(len(line.values) / line.rate for line in lines)))
