"""The accounts: what was emitted, delivered and dropped, per backend and signal."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from anytel import misuse
from anytel.backend import Signal

__all__ = ["Account", "Counts", "Stats"]


@dataclass(frozen=True, slots=True)
class Counts:
    """One signal's account at one backend: ``emitted == delivered + handed + sum(dropped.values()) + queued``.

    *handed* are spans that the vendor's own SDK has instead, and sends. Spans, log events and errors are counted one by
    one, metrics as points (a series in an interval).
    """

    emitted: int
    delivered: int
    dropped: Mapping[str, int]
    queued: int
    handed: int = 0


@dataclass(frozen=True, slots=True)
class Stats:
    """What `anytel.stats` gives: the accounts by backend and signal, and what the API refused, by reason."""

    backends: Mapping[str, Mapping[Signal, Counts]] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=lambda: MappingProxyType(dict(misuse.counts)))


class Account:
    """The account of one backend; any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # reentrant: a signal handler may ask for the stats
        self._emitted: Counter[Signal] = Counter()
        self._delivered: Counter[Signal] = Counter()
        self._handed: Counter[Signal] = Counter()
        self._dropped: dict[Signal, Counter[str]] = {}

    def emitted(self, signal: Signal, count: int) -> None:
        """Note what was meant for the backend."""
        with self._lock:
            self._emitted[signal] += count

    def delivered(self, signal: Signal, count: int) -> None:
        """Note what has arrived; negative where it turned out later that it had not."""
        with self._lock:
            self._delivered[signal] += count

    def handed(self, signal: Signal, count: int) -> None:
        """Note what the vendor's own SDK has instead."""
        if count:
            with self._lock:
                self._emitted[signal] += count
                self._handed[signal] += count

    def dropped(self, signal: Signal, count: int, reason: str) -> None:
        """Note what is lost."""
        if count:
            with self._lock:
                self._dropped.setdefault(signal, Counter())[reason] += count

    def lost(self) -> int:
        """Give how much has been dropped so far, of all signals."""
        with self._lock:
            return sum(counter.total() for counter in self._dropped.values())

    def counts(self) -> dict[Signal, Counts]:
        """Give the account as it stands."""
        with self._lock:
            return {signal: self._count(signal) for signal in sorted({*self._emitted, *self._dropped})}

    def _count(self, signal: Signal) -> Counts:
        dropped = dict(self._dropped.get(signal, {}))
        emitted, delivered, handed = self._emitted[signal], self._delivered[signal], self._handed[signal]
        queued = emitted - delivered - handed - sum(dropped.values())
        return Counts(emitted, delivered, MappingProxyType(dropped), queued, handed)
