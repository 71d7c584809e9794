"""What is seen of a run at one place, in words common to all: what was emitted, and what each vendor got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from anytel.backend import MetricKind

__all__ = ["Catalogue", "Metric", "Reading", "Seen", "SeenError", "SeenLog", "SeenSpan", "SeriesKey"]


class SeriesKey(NamedTuple):
    """A metric's name and one set of tags (sorted by name), both as the application wrote them."""

    metric: str
    tags: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        tags = ", ".join(f"{name}={value}" for name, value in self.tags)
        return f"{self.metric}{{{tags}}}" if tags else self.metric


class Metric(NamedTuple):
    """What must be known of a series' metric to find it at a vendor."""

    kind: MetricKind
    unit: str


Catalogue: TypeAlias = Mapping[SeriesKey, Metric]
"""The series that were recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one series came to. A part that a place does not show is None there.

    ========================= ====================================================================
    count                     *value* is the sum
    gauge                     *value* is the last one
    distribution, histogram   *count* samples with the sum *value*; *buckets* are not added up
    set                       *value* is the gauge of different values, *count* the different members
    ========================= ====================================================================
    """

    kind: str
    value: float | None = None
    count: int | None = None
    buckets: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class SeenSpan:
    """A span; ids are hex, times nanoseconds. *parent_id* is empty for a root, *name* where it is not shown."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    failed: bool
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class SeenError:
    """An error report; *about* is the exception's type, or the event of a log line without one."""

    id: str
    about: str
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class SeenLog:
    """A log event."""

    message: str
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything seen at one place. What does not go there at all is None.

    *exemplars* are pairs of a trace and a span id. *malformed* says what could not be read. *reduced* are series of
    which an interval has kept only a part of the samples; a place that is *fed_samples* got no more than these.
    """

    place: str
    spans: Sequence[SeenSpan] | None = None
    errors: Sequence[SeenError] | None = None
    logs: Sequence[SeenLog] | None = None
    metrics: Mapping[SeriesKey, Reading] | None = None
    exemplars: Sequence[tuple[str, str]] | None = None
    malformed: Sequence[str] = ()
    reduced: frozenset[SeriesKey] = frozenset()
    fed_samples: bool = False

    def places(self) -> Iterator[tuple[str, str, str]]:
        """Give each signal that belongs to a span: what it is, the span's id, and the trace id it is seen under."""
        signals = {"span": self.spans, "error": self.errors, "log line": self.logs}
        for signal, items in signals.items():
            for one in items or ():
                yield signal, one.span_id, one.trace_id
        for trace_id, span_id in self.exemplars or ():
            yield "exemplar", span_id, trace_id
