"""The records of what was measured: series, and what they came to in an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from anytel.backend.records import SpanContext

__all__ = ["Exemplar", "MetricBatch", "MetricFlow", "MetricKind", "Point", "Series", "Spelling"]

MetricKind: TypeAlias = Literal["count", "gauge", "distribution", "histogram", "set"]
MetricFlow: TypeAlias = Literal["none", "delta", "cumulative", "pull"]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Series:
    """One metric with one set of tags (sorted by name). The same object in every batch: cache what you render by it.

    *bounds* are the inclusive upper bounds of a histogram's buckets, without the last, infinite one.
    """

    name: str
    kind: MetricKind
    unit: str
    description: str
    bounds: tuple[float, ...]
    tags: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How a backend spells a metric: what queries, dashboards and rules have to say.

    *name* is what it is queried by; of a histogram in Prometheus, without the suffixes. *type* and *unit* are the
    vendor's words. *series* are the names of its samples, and *reserved* all names that no other metric may have
    beside it. *tags* maps our names of tags to the vendor's, and *bounds* are the limits of the buckets as the vendor
    writes them. A value of ours is *multiply* / *divide* of theirs: 5 ms are 0.005 in seconds.
    """

    name: str
    type: str
    unit: str = ""
    series: tuple[str, ...] = ()
    reserved: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)
    bounds: tuple[str, ...] = ()
    multiply: int = 1
    divide: int = 1


class Exemplar(NamedTuple):
    """One recorded value with the span it was recorded in."""

    value: float
    time_ns: int
    context: SpanContext


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Point:
    """What happened to one series: in the batch's interval (delta), or since the process began (cumulative, pull).

    ========================= =====================================================================================
    count                     *value* is the sum of the increments
    gauge                     *value* is the last one; *fresh* is false when it was not written in this interval
    distribution, histogram   *value* is the sum, *count* the number, *low* and *high* the extremes; *buckets* has
                              ``len(bounds) + 1`` counts, not added up; each of *samples* (delta only) stands for
                              ``count / len(samples)`` recorded values
    set                       *value* estimates the different values seen in the last minute; *members* (delta only)
                              are those of this interval
    ========================= =====================================================================================

    *exemplars* are keyed by bucket index (0 for a count). *start_ns* is when the series began, in nanoseconds since
    the epoch.
    """

    series: Series
    value: float
    count: int
    start_ns: int
    fresh: bool = True
    low: float = 0.0
    high: float = 0.0
    buckets: Sequence[int] = ()
    samples: Sequence[float] = ()
    members: Sequence[str] = ()
    exemplars: Mapping[int, Exemplar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class MetricBatch:
    """The points of one interval; for a cumulative or pulled batch *start_ns* is when the process began."""

    start_ns: int
    end_ns: int
    flow: MetricFlow
    points: Sequence[Point]
