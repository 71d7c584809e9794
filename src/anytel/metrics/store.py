"""The store: every thread records into a shard of its own, and a fold brings the shards together.

A shard's dictionaries are keyed by what the caller gave, ``(instrument, *tag names, *tag values)``, so that the usual
call is one dictionary update. A key that is not there yet takes the lock once to be *interned*: it is given its series,
and there the limit on series holds for all threads.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

from anytel import misuse
from anytel.backend import Exemplar, MetricBatch, MetricFlow, Point, Series
from anytel.metrics import aggregate
from anytel.metrics.aggregate import Aggregate, Distinct, Distribution, Level, Sum
from anytel.metrics.observers import Observers
from anytel.redaction import FILTERED, Redactor

if TYPE_CHECKING:
    from anytel.metrics.instruments import Instrument
    from anytel.tracing.record import Span

__all__ = ["COMPACT", "MAX_SERIES", "OVERFLOW", "Key", "Shard", "Store", "local", "nothing", "store"]

MAX_SERIES = 2_000
"""Series of one metric; beyond, everything goes to one series with the tag `OVERFLOW`."""
OVERFLOW = (("otel.metric.overflow", "true"),)
MAX_RAW_KEYS = 4 * MAX_SERIES
COMPACT = 1_000
"""Samples that one thread keeps of one series before it folds them itself."""
IDLE_NS = 3_600 * 10**9

_PLAIN = frozenset({str, int, float, bool, type(None)})

Pairs: TypeAlias = tuple[tuple[str, str], ...]
Key: TypeAlias = "tuple[object, ...] | Series"


class Shard:
    """What one thread has recorded since the last fold."""

    __slots__ = ("__weakref__", "counts", "exemplars", "owner", "samples", "sets")

    def __init__(self, owner: weakref.ref[_Owner]) -> None:
        self.owner = owner
        self.counts: dict[Key, float] = {}
        self.samples: dict[Key, list[float]] = {}
        self.sets: dict[Key, set[str]] = {}
        self.exemplars: dict[tuple[Key, int], tuple[float, int, Span]] = {}

    # In each of these a dictionary is loaded and stored into without giving up the GIL in between (no call of Python
    # code, no backward jump): after the fold has exchanged it, nothing more is written to the one taken.

    def count(self, key: Key, value: float) -> None:
        """Add to a count that may be new."""
        try:
            self.counts[key] += value
        except KeyError:
            self.counts[key] = value
            store.on_record()

    def sample(self, key: Key, value: float) -> None:
        """Add a sample to a series that may be new."""
        try:
            self.samples[key].append(value)
        except KeyError:
            self.samples[key] = [value]
            store.on_record()

    def member(self, key: Key, value: str) -> None:
        """Add a member to a set that may be new."""
        try:
            self.sets[key].add(value)
        except KeyError:
            self.sets[key] = {value}
            store.on_record()

    def example(self, place: tuple[Key, int], exemplar: tuple[float, int, Span]) -> None:
        """Keep the first exemplar of a series and bucket."""
        if place not in self.exemplars:
            self.exemplars[place] = exemplar

    def compact(self, key: Key) -> None:
        """Fold one series early, so that a busy interval needs no more memory than a quiet one."""
        values = self.samples.pop(key, None)
        if values:
            store.add_samples(key, values, time.time_ns())


class _Owner:
    """Dies with the thread (or greenlet) whose shard it stands for."""


class _Local(threading.local):
    """The calling thread's shard."""

    def __init__(self) -> None:
        self.owner = _Owner()
        self.shard = Shard(weakref.ref(self.owner))
        store.adopt(self.shard)


class Store:
    """All series of the process. They outlive every `configure`."""

    def __init__(self) -> None:
        self.recording = False
        """Whether anything but gauges is recorded; gauges always keep their value."""
        self.exemplars = False
        self.redactor = Redactor()
        self.on_record: Callable[[], None] = nothing
        """Called when a series is recorded to for the first time, in an interval and a thread."""
        self.observers = Observers()
        """What is asked before an interval ends and before a scrape."""
        self._instruments: weakref.WeakKeyDictionary[Series, Instrument] = weakref.WeakKeyDictionary()
        self._clear()

    def _clear(self) -> None:
        self.lock = threading.RLock()
        self.aggregates: dict[Key, Aggregate] = {}
        self._series: dict[Instrument, dict[Pairs, Aggregate]] = {}
        self._raw_keys: dict[Instrument, int] = {}
        self._shards: list[Shard] = []
        self._start_ns = self._tick_ns = time.time_ns()

    @property
    def recorded(self) -> bool:
        """Whether any thread has recorded yet."""
        with self.lock:
            return bool(self._series or self.observers) or any(
                one.counts or one.samples or one.sets for one in self._shards
            )

    def adopt(self, shard: Shard) -> None:
        """Take a new thread's shard."""
        with self.lock:
            self._shards.append(shard)

    def forget(self) -> None:
        """Begin anew, in a forked child or a test: no series, no totals, fresh locks."""
        global local  # noqa: PLW0603 -- the shards of this thread must go too
        self._clear()
        local = _Local()

    def set_aside(self) -> Callable[[], None]:
        """Begin anew, and give what brings back all that there was; for tests."""
        kept, shards = dict(vars(self)), local
        self.forget()

        def restore() -> None:
            global local  # noqa: PLW0603 -- as above
            vars(self).update(kept)
            local = shards

        return restore

    def intern(self, instrument: Instrument, tags: Mapping[str, object], raw: tuple[object, ...] | None) -> Key:
        """Give the key under which to record: *raw* where it can stand for the series, else the series itself."""
        known = self._known(raw)
        if known is not None:
            return known
        pairs = self._pairs(instrument, tags)
        with self.lock:
            found = self._series.setdefault(instrument, {}).get(pairs) or self._create(instrument, pairs)
            key = self._key(instrument, found, raw) if found.series.tags == pairs else None
        if key is None:  # said outside the lock: a log handler of the application's may record a metric
            limit = f"metric {instrument.name!r} has {MAX_SERIES} series; the rest goes to {OVERFLOW[0][0]}=true"
            misuse.refuse("series_limit", limit, None)
        return key or found.series

    def _known(self, raw: tuple[object, ...] | None) -> Key | None:
        """Give the key for *raw* where it is interned, without a lock."""
        if raw is None or raw in self.aggregates:
            return raw
        typed = _typed(raw)
        return typed if typed in self.aggregates else None

    def _key(self, instrument: Instrument, found: Aggregate, raw: tuple[object, ...] | None) -> Key:
        used = self._raw_keys.get(instrument, 0)
        if raw is None or used >= MAX_RAW_KEYS:
            return found.series
        key = raw if all(map(_stands_for_itself, raw[1:])) else _typed(raw)
        if not key:
            return found.series
        self._raw_keys[instrument] = used + 1
        found.raw_keys.append(key)
        self.aggregates[key] = found
        return key

    def _pairs(self, instrument: Instrument, tags: Mapping[str, object]) -> Pairs:
        return self._redacted(instrument.rendered(tags).items())

    def _redacted(self, pairs: Iterable[tuple[str, str]]) -> Pairs:
        redact = self.redactor
        return tuple(sorted((redact.key(k), FILTERED if redact.secret(k) else redact.text(v)) for k, v in pairs))

    def redact_by(self, redactor: Redactor) -> None:
        """Redact tags by the rules of *redactor*, also those of series that there are already."""
        with self.lock:
            self.fold()
            self.redactor = redactor
            for instrument, siblings in list(self._series.items()):
                for pairs in list(siblings):
                    if self._redacted(pairs) != pairs:
                        self._move(instrument, siblings.pop(pairs))

    def _move(self, instrument: Instrument, old: Aggregate) -> None:
        """Bring a series together with that of its redacted tags; who records to it keeps its key."""
        pairs = self._redacted(old.series.tags)
        kept = self._series[instrument].get(pairs) or self._create(instrument, pairs)
        kept.absorb(old)
        for key in (*old.raw_keys, old.series):
            kept.raw_keys.append(key)
            self.aggregates[key] = kept  # type: ignore[index]  # raw keys are kept as objects

    def _create(self, instrument: Instrument, pairs: Pairs) -> Aggregate:
        siblings = self._series[instrument]
        if len(siblings) >= MAX_SERIES and pairs != OVERFLOW:
            return siblings.get(OVERFLOW) or self._create(instrument, OVERFLOW)
        series = Series(
            instrument.name, instrument.kind, instrument.unit, instrument.description, instrument.bounds, pairs
        )
        return self._begin(instrument, series)

    def _begin(self, instrument: Instrument, series: Series) -> Aggregate:
        made = aggregate.new(series, time.time_ns())
        self._instruments[series] = instrument
        self._series.setdefault(instrument, {})[series.tags] = made
        self.aggregates[series] = made
        self.on_record()
        return made

    def _of(self, key: Key) -> Aggregate:
        found = self.aggregates.get(key)
        if found is not None:
            return found
        # A bound handle keeps a series that was evicted, or that belongs to the process this one was forked from, and a
        # thread may have recorded under a raw key at the moment at which its series was evicted.
        if isinstance(key, Series):
            made = self._begin(self._instruments[key], key)
            if self._redacted(key.tags) != key.tags:
                self._move(self._instruments[key], self._series[self._instruments[key]].pop(key.tags))
            return self.aggregates.get(key, made)
        instrument, *rest = key
        number = len(rest) // (3 if rest and isinstance(rest[-1], type) else 2)
        tags = dict(zip(map(str, rest[:number]), rest[number : 2 * number], strict=True))
        return self._of(self.intern(cast("Instrument", instrument), tags, key[: 1 + 2 * number]))

    def fold(self) -> None:
        """Bring together what the threads have recorded since the last fold."""
        with self.lock:
            now_ns = time.time_ns()
            alive = []
            for shard in self._shards:
                if shard.owner() is not None:
                    alive.append(shard)
                self._fold(shard, now_ns)
            self._shards = alive

    def _fold(self, shard: Shard, now_ns: int) -> None:
        counts, shard.counts = shard.counts, {}
        samples, shard.samples = shard.samples, {}
        sets, shard.sets = shard.sets, {}
        exemplars, shard.exemplars = shard.exemplars, {}
        for key, value in counts.items():
            found = self._of(key)
            if isinstance(found, Sum):
                found.add(value, now_ns)
        for key, values in samples.items():
            self.add_samples(key, values, now_ns)
        for key, members in sets.items():
            found = self._of(key)
            if isinstance(found, Distinct):
                found.add({self.redactor.text(member) for member in members}, now_ns)
        for (key, index), (value, at_ns, span) in exemplars.items():
            self._of(key).example(index, Exemplar(value, at_ns, span.context))

    def add_samples(self, key: Key, values: Sequence[float], now_ns: int) -> None:
        """Fold the samples of one series."""
        with self.lock:
            found = self._of(key)
            if isinstance(found, Distribution):
                found.add(values, now_ns)

    def tick(self) -> MetricBatch:
        """End an interval: what happened in it, for the backends that are pushed to."""
        self.observers.collect()
        with self.lock:
            self.fold()
            now_ns = time.time_ns()
            batch = MetricBatch(self._tick_ns, now_ns, "delta", self._points(now_ns, delta=True))
            self._tick_ns = now_ns
            self._evict(now_ns)
            return batch

    def totals(self, flow: MetricFlow = "pull") -> MetricBatch:
        """Give everything since the process began."""
        if flow == "pull":  # for the others an interval has just ended
            self.observers.collect()
        with self.lock:
            self.fold()
            now_ns = time.time_ns()
            return MetricBatch(self._start_ns, now_ns, flow, self._points(now_ns, delta=False))

    def _points(self, now_ns: int, *, delta: bool) -> list[Point]:
        # A list: the lock is reentrant, and a finalizer or a signal handler may record a new series meanwhile.
        every = [one for siblings in list(self._series.values()) for one in list(siblings.values())]
        points = (one.delta(now_ns) if delta else one.total(now_ns) for one in every)
        return [point for point in points if point is not None]

    def _evict(self, now_ns: int) -> None:
        for instrument, siblings in list(self._series.items()):
            if instrument.kind == "gauge":  # written once, it is true until it is written again
                continue
            idle = [pairs for pairs, one in list(siblings.items()) if now_ns - one.touched_ns > IDLE_NS]
            for pairs in idle:
                gone = siblings.pop(pairs)
                for key in (*gone.raw_keys, gone.series):
                    self.aggregates.pop(key, None)  # type: ignore[call-overload]  # raw keys are kept as objects
                self._raw_keys[instrument] = self._raw_keys.get(instrument, 0) - len(gone.raw_keys)

    def write(self, key: Key, value: float, *, relative: bool) -> None:
        """Set a gauge, or add to it; the key has been interned."""
        cell = self.aggregates.get(key)
        if cell is None or relative:
            with self.lock:
                cell = self._of(key)
                if isinstance(cell, Level):
                    cell.value = cell.value + value if relative else value
        elif isinstance(cell, Level):
            cell.value = value
        cell.fresh = True


def _stands_for_itself(part: object) -> bool:
    """Say whether equal keys mean equal text: ``1 == True == 1.0`` do not."""
    return type(part) is str or (type(part) is int and part not in (0, 1))


def _typed(raw: tuple[object, ...]) -> tuple[object, ...]:
    """Give *raw* with the types of its values, by which ``1`` and ``True`` differ; nothing for other values."""
    values = raw[1 + len(raw) // 2 :]
    plain = all(type(value) in _PLAIN and value == value for value in values)  # noqa: PLR0124 -- NaN is no key
    return (*raw, *map(type, values)) if values and plain else ()


def nothing() -> None:
    """Do nothing."""


store = Store()
local = _Local()
