"""The instruments: declared once, recorded to from anywhere. Each call is a dictionary update in the thread's shard."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from time import perf_counter, time_ns
from typing import ClassVar, Self, TypeAlias

from anytel import misuse
from anytel.attributes import text
from anytel.backend import MetricKind
from anytel.errors import MisuseError
from anytel.metrics import registry
from anytel.metrics import store as _store
from anytel.metrics.bound import BoundCounter, BoundDistribution, BoundGauge, BoundSet
from anytel.metrics.buckets import per_second
from anytel.metrics.number import LARGEST, number
from anytel.metrics.store import COMPACT, Key, store
from anytel.place import NOWHERE, Place, declaring
from anytel.redaction import encodable
from anytel.tracing.context import bound, current

__all__ = ["Counter", "Distribution", "Gauge", "Histogram", "Instrument", "Set", "Tags"]

MAX_TAGS = 64
"""Tags that one metric may declare."""
MAX_TAG = 200
"""Characters of a tag value; what is over is cut."""

Tags: TypeAlias = Mapping[str, object]
Allowed: TypeAlias = Mapping[str, Iterable[str] | None] | Iterable[str]


class Instrument:
    """What the kinds share: the declaration, and how tags become the key of a series."""

    __slots__ = (
        "__weakref__", "_allowed", "_bare", "_declared", "bounds", "description", "implicit", "name", "owner", "place",
        "unit",
    )  # fmt: skip

    kind: ClassVar[MetricKind]
    name: str
    unit: str
    description: str
    owner: str
    bounds: tuple[float, ...]
    implicit: bool
    place: Place
    _declared: tuple[str, ...]
    _allowed: Mapping[str, frozenset[str] | None] | None
    _bare: tuple[object, ...]

    def __new__(cls, name: str, *, tags: Allowed = (), unit: str = "", description: str = "", owner: str = "") -> Self:
        """Declare a metric; see `anytel.metrics.registry.declare`."""
        return registry.declare(cls, name, tags, unit, description, owner, None)

    @classmethod
    def undeclared(cls, name: str, unit: str, bounds: tuple[float, ...]) -> Self:
        """Make an instrument that takes any tags."""
        made = object.__new__(cls)
        made.name, made.unit, made.description, made.owner, made.bounds = name, unit, "", "", bounds
        made.implicit, made.place = True, NOWHERE
        made._declared = ()
        made._allowed = None
        made._bare = (made,)
        return made

    def __repr__(self) -> str:
        return (
            f"<anytel.{type(self).__name__} {self.name!r}>" if self.name else f"<anytel.{type(self).__name__} refused>"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return registry.get, (self.name,)

    @property
    def tags(self) -> Mapping[str, frozenset[str] | None] | None:
        """The declared tags with their allowed values (None: any); None where nothing was declared."""
        return self._allowed

    def declare(self, tags: Allowed, description: str, owner: str) -> None:
        """Turn what a first use has made into what was declared."""
        allowed = tags if isinstance(tags, Mapping) else dict.fromkeys(islice(_several(tags), MAX_TAGS))
        self._allowed = {
            name: None if some is None else frozenset(map(str, _several(some))) for name, some in allowed.items()
        }
        self._declared = tuple(self._allowed)
        self.description, self.owner, self.implicit = _said(description), _said(owner), False
        self.place = declaring()

    def rendered(self, tags: Tags) -> dict[str, str]:
        """Give *tags* as text; what is not declared is counted and left out."""
        shown = {}
        for name, value in tags.items():
            if value is None:
                continue
            name, value = text(name), rendered_tag(value)  # noqa: PLW2901 -- only their text is used
            if self._allows(name, value):
                shown[name] = value
        return shown

    def _allows(self, name: str, value: str) -> bool:
        if self._allowed is None:
            return True
        if name not in self._allowed:
            known = ", ".join(self._allowed) or "none"
            return misuse.refuse("tag", f"metric {self.name!r} has no tag {name!r}; declared: {known}", False)  # noqa: FBT003 -- the result
        some = self._allowed[name]
        if some is not None and value not in some:
            allowed = ", ".join(sorted(some))
            return misuse.refuse("tag", f"metric {self.name!r}: {name}={value!r} is none of {allowed}", False)  # noqa: FBT003 -- the result
        return True

    def _filled(self, tags: Tags | None) -> Tags | None:
        """Add the declared tags that are bound in the context and not given."""
        context = bound.get()
        found = {name: context[name] for name in self._declared if name in context}
        return {**found, **(tags or {})} if found else tags

    def _slot(self, tags: Tags | None, raw: tuple[object, ...] | None) -> Key:
        """Give the key for a first record of the interval."""
        if raw is not None:
            try:
                hash(raw)
            except TypeError:
                raw = None
        return store.intern(self, tags or {}, raw)

    def _bound_key(self, tags: Tags | None, more: Tags) -> Key:
        try:
            given = {**(tags or {}), **more}
        except Exception as exc:
            given = misuse.refuse("tag", f"metric {self.name!r}: bind() takes a mapping ({misuse.shown(exc)})", {})
        return store.intern(self, self._filled(given) or {}, None)

    def _refuse(self, value: object, exc: Exception | None = None) -> None:
        if isinstance(exc, MisuseError):
            raise exc
        why = f" ({misuse.shown(exc)})" if exc is not None else ""
        takes = "a finite number, not negative" if self.kind == "count" else "a finite number"
        message = f"metric {self.name!r} takes {takes}, not {text(value)[:100]}{why}"
        misuse.refuse("value", message, None, once=self.name)


class Counter(Instrument):
    """Counts what only goes up."""

    __slots__ = ()
    kind: ClassVar[MetricKind] = "count"

    def add(self, value: float = 1, tags: Tags | None = None) -> None:
        """Add *value*, which is finite and not negative."""
        if not store.recording:
            return
        try:
            if type(value) is not int and type(value) is not float:
                value = number(value)
            if not 0 <= value <= LARGEST:
                self._refuse(value)
                return
            if self._declared and bound.get():
                tags = self._filled(tags)
            key = (self, *tags, *tags.values()) if tags else self._bare
            shard = _store.local.shard
            try:
                shard.counts[key] += value
            except (KeyError, TypeError):
                key = self._slot(tags, key)  # type: ignore[assignment]  # a series stands for a key
                shard.count(key, value)
            if store.exemplars and (span := current.get()) is not None and span._trace.sampled:
                shard.example((key, 0), (value, time_ns(), span))
        except Exception as exc:
            self._refuse(value, exc)

    def bind(self, tags: Tags | None = None, /, **more: object) -> BoundCounter:
        """Give a handle on one series, for hot paths: the tags are rendered once."""
        return BoundCounter(self, self._bound_key(tags, more))


class Gauge(Instrument):
    """Holds the last value of what goes up and down."""

    __slots__ = ()
    kind: ClassVar[MetricKind] = "gauge"

    def set(self, value: float, tags: Tags | None = None) -> None:
        """Set the value, which is finite."""
        self._write(value, tags, relative=False)

    def add(self, value: float, tags: Tags | None = None) -> None:
        """Add *value*, which may be negative; a gauge begins at 0."""
        self._write(value, tags, relative=True)

    def _write(self, value: float, tags: Tags | None, *, relative: bool) -> None:
        try:
            level = number(value)
            if not -LARGEST <= level <= LARGEST:
                self._refuse(value)
                return
            if self._declared and bound.get():
                tags = self._filled(tags)
            store.write(self._key(tags), level, relative=relative)
        except Exception as exc:
            self._refuse(value, exc)

    def _key(self, tags: Tags | None) -> Key:
        key = (self, *tags, *tags.values()) if tags else self._bare
        try:
            if key in store.aggregates:
                return key
        except TypeError:
            return self._slot(tags, None)
        return self._slot(tags, key)

    def bind(self, tags: Tags | None = None, /, **more: object) -> BoundGauge:
        """Give a handle on one series."""
        return BoundGauge(self, self._bound_key(tags, more))


class Distribution(Instrument):
    """Records samples whose percentiles the backend computes, over all hosts."""

    __slots__ = ()
    kind: ClassVar[MetricKind] = "distribution"

    def __new__(
        cls,
        name: str,
        *,
        tags: Allowed = (),
        unit: str = "",
        description: str = "",
        owner: str = "",
        buckets: Iterable[float] | None = None,
    ) -> Self:
        """Declare a metric. *buckets* are inclusive upper bounds; without them they follow the unit."""
        return registry.declare(cls, name, tags, unit, description, owner, buckets)

    def record(self, value: float, tags: Tags | None = None) -> None:
        """Record one finite *value*, in the instrument's unit."""
        if not store.recording:
            return
        try:
            if type(value) is not float:
                value = number(value)
            if not -LARGEST <= value <= LARGEST:
                self._refuse(value)
                return
            if self._declared and bound.get():
                tags = self._filled(tags)
            key = (self, *tags, *tags.values()) if tags else self._bare
            shard = _store.local.shard
            try:
                values = shard.samples[key]
            except (KeyError, TypeError):
                key = self._slot(tags, key)  # type: ignore[assignment]  # a series stands for a key
                shard.sample(key, value)
            else:
                values.append(value)
                if len(values) >= COMPACT:
                    shard.compact(key)
            if store.exemplars and (span := current.get()) is not None and span._trace.sampled:
                place = (key, bisect_left(self.bounds, value))
                if place not in shard.exemplars:
                    shard.exemplars[place] = (value, time_ns(), span)
        except Exception as exc:
            self._refuse(value, exc)

    @contextmanager
    def time(self, tags: Tags | None = None) -> Iterator[None]:
        """Record how long the block took, also when it raises. The unit must be one of time, or none (seconds)."""
        scale = per_second(self.unit or "s")
        if scale is None:
            misuse.refuse("unit", f"metric {self.name!r} is in {self.unit!r}, which is no time", None)
        started = perf_counter()
        try:
            yield
        finally:
            if scale is not None:
                self.record((perf_counter() - started) * scale, tags)

    def bind(self, tags: Tags | None = None, /, **more: object) -> BoundDistribution:
        """Give a handle on one series."""
        return BoundDistribution(self, self._bound_key(tags, more))


class Histogram(Distribution):
    """Records samples that the application sorts into declared buckets."""

    __slots__ = ()
    kind: ClassVar[MetricKind] = "histogram"


class Set(Instrument):
    """Counts how many different values were seen."""

    __slots__ = ()
    kind: ClassVar[MetricKind] = "set"

    def add(self, value: object, tags: Tags | None = None) -> None:
        """Take *value*, which is compared as text, into account."""
        if not store.recording:
            return
        try:
            if type(value) is not str:
                value = text(value)
            if self._declared and bound.get():
                tags = self._filled(tags)
            key = (self, *tags, *tags.values()) if tags else self._bare
            shard = _store.local.shard
            try:
                shard.sets[key].add(value)
            except (KeyError, TypeError):
                shard.member(self._slot(tags, key), value)
        except Exception as exc:
            self._refuse(value, exc)

    def bind(self, tags: Tags | None = None, /, **more: object) -> BoundSet:
        """Give a handle on one series."""
        return BoundSet(self, self._bound_key(tags, more))


def _said(words: object) -> str:
    return encodable(text(words)) if words is not None else ""


def _several(words: Iterable[str]) -> Iterable[str]:
    return (words,) if isinstance(words, str) else words


def rendered_tag(value: object) -> str:
    """Give a tag value as text: ``true``/``false``, whole numbers without a fraction."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))[:MAX_TAG]
    return text(value)[:MAX_TAG]
