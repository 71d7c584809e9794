"""Handles on one series: the tags were rendered once, so a call is one update of the thread's shard."""

from __future__ import annotations

from bisect import bisect_left
from time import time_ns
from typing import TYPE_CHECKING

from anytel.attributes import text
from anytel.metrics import store as _store
from anytel.metrics.number import LARGEST, number
from anytel.metrics.store import COMPACT, Key, store
from anytel.tracing.context import current

if TYPE_CHECKING:
    from anytel.metrics.instruments import Instrument

__all__ = ["BoundCounter", "BoundDistribution", "BoundGauge", "BoundSet"]


class _Bound:
    """A handle on one series: the tags are rendered once."""

    __slots__ = ("_instrument", "_key")

    def __init__(self, instrument: Instrument, key: Key) -> None:
        self._instrument = instrument
        self._key = key


class BoundCounter(_Bound):
    """One series of a counter."""

    __slots__ = ()

    def add(self, value: float = 1) -> None:
        """Add *value*, which is finite and not negative."""
        if not store.recording:
            return
        try:
            if type(value) is not int and type(value) is not float:
                value = number(value)
            if not 0 <= value <= LARGEST:
                self._instrument._refuse(value)
                return
            shard = _store.local.shard
            try:
                shard.counts[self._key] += value
            except KeyError:
                shard.count(self._key, value)
            if store.exemplars and (span := current.get()) is not None and span._trace.sampled:
                shard.example((self._key, 0), (value, time_ns(), span))
        except Exception as exc:
            self._instrument._refuse(value, exc)


class BoundGauge(_Bound):
    """One series of a gauge."""

    __slots__ = ()

    def set(self, value: float) -> None:
        """Set the value, which is finite."""
        self._write(value, relative=False)

    def add(self, value: float) -> None:
        """Add *value*, which may be negative."""
        self._write(value, relative=True)

    def _write(self, value: float, *, relative: bool) -> None:
        try:
            level = number(value)
            if not -LARGEST <= level <= LARGEST:
                self._instrument._refuse(value)
                return
            store.write(self._key, level, relative=relative)
        except Exception as exc:
            self._instrument._refuse(value, exc)


class BoundDistribution(_Bound):
    """One series of a distribution or histogram."""

    __slots__ = ()

    def record(self, value: float) -> None:
        """Record one finite *value*."""
        if not store.recording:
            return
        try:
            if type(value) is not float:
                value = number(value)
            if not -LARGEST <= value <= LARGEST:
                self._instrument._refuse(value)
                return
            shard = _store.local.shard
            try:
                values = shard.samples[self._key]
            except KeyError:
                shard.sample(self._key, value)
            else:
                values.append(value)
                if len(values) >= COMPACT:
                    shard.compact(self._key)
            if store.exemplars and (span := current.get()) is not None and span._trace.sampled:
                place = (self._key, bisect_left(self._instrument.bounds, value))
                if place not in shard.exemplars:
                    shard.exemplars[place] = (value, time_ns(), span)
        except Exception as exc:
            self._instrument._refuse(value, exc)


class BoundSet(_Bound):
    """One series of a set."""

    __slots__ = ()

    def add(self, value: object) -> None:
        """Take *value*, which is compared as text, into account."""
        if store.recording:
            _store.local.shard.member(self._key, text(value))
