"""The running state of one series, per kind: fed by the fold, read by ticks and scrapes, under the store's lock."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from anytel.backend import Exemplar, Point, Series
from anytel.metrics.number import bounded, total
from anytel.metrics.sketch import Sketch

__all__ = ["MAX_MEMBERS", "MAX_SAMPLES", "Aggregate", "Distinct", "Distribution", "Level", "Sum", "new"]

MAX_SAMPLES = 1_000
"""Samples kept of one series and interval; beyond, a uniform reservoir stands for all (Vitter's algorithm R)."""
MAX_MEMBERS = 10_000
"""Different values kept of one set and interval, to be sent one by one."""
WINDOW_NS = 60 * 10**9
SUBWINDOW_NS = 10 * 10**9


@dataclass(slots=True, eq=False)
class _Common:
    series: Series
    start_ns: int
    touched_ns: int = 0
    raw_keys: list[object] = field(default_factory=list)
    exemplars: dict[int, Exemplar] = field(default_factory=dict)
    recent: dict[int, Exemplar] = field(default_factory=dict)
    fresh: bool = False

    def _absorb(self, other: _Common) -> None:
        self.start_ns = min(self.start_ns, other.start_ns)
        self.touched_ns = max(self.touched_ns, other.touched_ns)
        self.fresh = self.fresh or other.fresh
        self.exemplars.update(other.exemplars)

    def touch(self, now_ns: int) -> None:
        """Note that something was recorded since the last fold."""
        self.touched_ns = now_ns
        self.fresh = True

    def example(self, bucket: int, exemplar: Exemplar) -> None:
        """Note a recorded value with its span: the last one of its bucket."""
        self.exemplars[bucket] = self.recent[bucket] = exemplar


@dataclass(slots=True, eq=False)
class Sum(_Common):
    """A count."""

    value: float = 0
    interval: float = 0

    def absorb(self, other: Aggregate) -> None:
        """Take over what another series of the same metric has recorded."""
        if isinstance(other, Sum):
            self._absorb(other)
            self.value += other.value
            self.interval += other.interval

    def add(self, value: float, now_ns: int) -> None:
        """Add what one thread has counted."""
        self.touch(now_ns)
        self.value = bounded(self.value + value)
        self.interval = bounded(self.interval + value)

    def total(self, now_ns: int) -> Point:
        """Give the count since the beginning."""
        return self._point(self.value, self.exemplars)

    def delta(self, now_ns: int) -> Point | None:
        """Give the count of the interval and begin the next one."""
        if not self.fresh:
            return None
        point = self._point(self.interval, self.recent)
        self.interval, self.recent, self.fresh = 0, {}, False
        return point

    def _point(self, value: float, exemplars: dict[int, Exemplar]) -> Point:
        return Point(series=self.series, value=value, count=0, start_ns=self.start_ns, exemplars=dict(exemplars))


@dataclass(slots=True, eq=False)
class Level(_Common):
    """A gauge. Its value is written by any thread at any time: one store, and so atomic."""

    value: float = 0.0

    def absorb(self, other: Aggregate) -> None:
        """Take over the other's value."""
        if isinstance(other, Level):
            self._absorb(other)
            self.value = other.value

    def total(self, now_ns: int) -> Point:
        """Give the last value."""
        return Point(series=self.series, value=self.value, count=1, start_ns=self.start_ns, fresh=self.fresh)

    def delta(self, now_ns: int) -> Point | None:
        """Give the last value, and whether it was written in this interval."""
        if self.fresh:
            self.touched_ns = now_ns
        point = self.total(now_ns)
        self.fresh = False
        return point


@dataclass(slots=True, eq=False)
class _Moments:
    """What is known of many values: count, sum, extremes and buckets."""

    buckets: list[int]
    count: int = 0
    sum: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    def add(self, values: Sequence[float], bounds: tuple[float, ...]) -> None:
        self.count += len(values)
        self.sum = bounded(self.sum + total(values))
        self.low = min(self.low, min(values))  # noqa: PLW3301 -- unpacking a thousand values would copy them
        self.high = max(self.high, max(values))  # noqa: PLW3301 -- as above
        buckets = self.buckets
        for value in values:
            buckets[bisect_left(bounds, value)] += 1

    def merge(self, other: _Moments) -> None:
        self.count += other.count
        self.sum += other.sum
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.buckets = [ours + theirs for ours, theirs in zip(self.buckets, other.buckets, strict=True)]


@dataclass(slots=True, eq=False)
class Distribution(_Common):
    """A distribution or histogram."""

    all: _Moments = field(init=False)
    interval: _Moments = field(init=False)
    samples: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.all, self.interval = self._moments(), self._moments()

    def absorb(self, other: Aggregate) -> None:
        """Take over what the other has recorded."""
        if isinstance(other, Distribution):
            self._absorb(other)
            self._sample(other.samples)
            self.all.merge(other.all)
            self.interval.merge(other.interval)

    def _moments(self) -> _Moments:
        return _Moments([0] * (len(self.series.bounds) + 1))

    def add(self, values: Sequence[float], now_ns: int) -> None:
        """Add what one thread has recorded."""
        self.touch(now_ns)
        self._sample(values)
        self.all.add(values, self.series.bounds)
        self.interval.add(values, self.series.bounds)

    def _sample(self, values: Sequence[float]) -> None:
        kept = self.samples
        room = MAX_SAMPLES - len(kept)
        kept.extend(values[:room])
        for seen, value in enumerate(values[max(room, 0) :], self.interval.count + max(room, 0) + 1):
            place = random.randrange(seen)
            if place < MAX_SAMPLES:
                kept[place] = value

    def total(self, now_ns: int) -> Point:
        """Give everything since the beginning."""
        return self._point(self.all, (), self.exemplars)

    def delta(self, now_ns: int) -> Point | None:
        """Give what the interval recorded and begin the next one."""
        if not self.fresh:
            return None
        point = self._point(self.interval, tuple(self.samples), self.recent)
        self.interval, self.samples, self.recent, self.fresh = self._moments(), [], {}, False
        return point

    def _point(self, of: _Moments, samples: Sequence[float], exemplars: dict[int, Exemplar]) -> Point:
        return Point(
            series=self.series, value=of.sum, count=of.count, start_ns=self.start_ns, low=of.low, high=of.high,
            buckets=tuple(of.buckets), samples=samples, exemplars=dict(exemplars),
        )  # fmt: skip


@dataclass(slots=True, eq=False)
class Distinct(_Common):
    """A set: sketches of ten seconds each, of which the last minute counts."""

    members: set[str] = field(default_factory=set)
    windows: deque[tuple[int, Sketch]] = field(default_factory=deque)

    def absorb(self, other: Aggregate) -> None:
        """Take over what the other has seen."""
        if isinstance(other, Distinct):
            self._absorb(other)
            self.members |= other.members
            self.windows = deque(sorted((*self.windows, *other.windows), key=lambda window: window[0]))

    def add(self, values: Iterable[str], now_ns: int) -> None:
        """Add what one thread has seen."""
        self.touch(now_ns)
        if not self.windows or now_ns - self.windows[-1][0] >= SUBWINDOW_NS:
            self.windows.append((now_ns, Sketch()))
        self.windows[-1][1].add(values)
        self.members.update(value for value in values if len(self.members) < MAX_MEMBERS)

    def total(self, now_ns: int) -> Point:
        """Give the number of different values in the last minute."""
        while self.windows and now_ns - self.windows[0][0] >= WINDOW_NS:
            self.windows.popleft()
        union = Sketch()
        for _, sketch in self.windows:
            union.merge(sketch)
        return self._point(union.estimate(), ())

    def delta(self, now_ns: int) -> Point | None:
        """Give the interval's values, with the number of different ones in the last minute."""
        if not self.fresh:
            return None
        members, self.members, self.fresh = tuple(self.members), set(), False
        return self._point(int(self.total(now_ns).value), members)

    def _point(self, distinct: int, members: Sequence[str]) -> Point:
        return Point(series=self.series, value=distinct, count=distinct, start_ns=self.start_ns, members=members)


Aggregate: TypeAlias = Sum | Level | Distribution | Distinct


def new(series: Series, now_ns: int) -> Aggregate:
    """Make the empty state of *series*."""
    match series.kind:
        case "count":
            return Sum(series, now_ns, now_ns)
        case "gauge":
            return Level(series, now_ns, now_ns)
        case "set":
            return Distinct(series, now_ns, now_ns)
        case _:
            return Distribution(series, now_ns, now_ns)
