"""Counting different values in bounded memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from hashlib import blake2b

__all__ = ["Sketch"]


class Sketch:
    """A k-minimum-values sketch: it keeps the `SIZE` smallest 64-bit hashes it has seen.

    Exact up to `SIZE` different values, then within 2.2 % (one standard deviation, 1/sqrt(k-2)). Sketches of different
    threads and processes can be merged. Source: Bar-Yossef et al., Counting Distinct Elements in a Data Stream, 2002.
    """

    SIZE = 2_048
    __slots__ = ("_kept", "_largest", "_over")

    def __init__(self) -> None:
        self._kept: set[int] = set()
        self._largest: list[int] = []  # a heap of the negated hashes, once there are SIZE of them
        self._over = False  # whether it has seen more than it has kept

    def add(self, values: Iterable[str]) -> None:
        """Take *values* into account."""
        self._add(int.from_bytes(blake2b(value.encode("utf-8", "replace"), digest_size=8).digest()) for value in values)

    def merge(self, other: Sketch) -> None:
        """Take everything that *other* has seen into account."""
        self._add(other._kept)
        self._over = self._over or other._over

    def _add(self, hashes: Iterable[int]) -> None:
        kept, largest = self._kept, self._largest
        for value in hashes:
            if value in kept:
                continue
            if len(kept) < self.SIZE:
                kept.add(value)
                heapq.heappush(largest, -value)
                continue
            self._over = True
            if value < -largest[0]:
                kept.add(value)
                kept.discard(-heapq.heapreplace(largest, -value))

    def estimate(self) -> int:
        """Give the number of different values seen."""
        if not self._over:
            return len(self._kept)
        return round((self.SIZE - 1) * 2**64 / -self._largest[0])
