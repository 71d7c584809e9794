"""The account of a background writer: what was written, what was lost and why, and what of that has been reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from anytel.logs.render import Event

__all__ = ["INTERVAL", "LineCounts", "Loss", "Losses", "dropped_event"]

INTERVAL = 1.0
"""Seconds between two reports of lost lines in the stream."""

Loss: TypeAlias = Literal["queue_full", "write_failed", "closed", "recursion"]
"""Why: no room in the queue; the sink raised; unwritten when the writer had to end; logged by the logging of a line."""


@dataclass(frozen=True, slots=True)
class LineCounts:
    """Lines given to a writer: ``given == written + sum(dropped.values()) + waiting``, reports of loss not counted."""

    written: int
    dropped: Mapping[Loss, int]
    waiting: int


class Losses:
    """Counts lost lines and says when they are to be reported; not thread-safe by itself."""

    def __init__(self) -> None:
        self.counts: Counter[Loss] = Counter()
        self._unreported: Counter[Loss] = Counter()
        self._reported = -INTERVAL
        self._known = 0

    def none_since_asked(self) -> bool:
        """Give whether nothing was lost since the last call."""
        before, self._known = self._known, self.counts.total()
        return before == self._known

    def add(self, reason: Loss, count: int = 1) -> None:
        """Count *count* lost lines."""
        if count:
            self.counts[reason] += count
            if reason != "recursion":  # the report would bring the next one
                self._unreported[reason] += count

    def due_in(self, now: float) -> float | None:
        """Give the seconds until a report is due, 0 if it is; None while there is nothing to report."""
        return max(self._reported + INTERVAL - now, 0.0) if self._unreported else None

    def take(self, now: float) -> Counter[Loss]:
        """Give what has not been reported yet; it is from now on."""
        taken, self._unreported, self._reported = self._unreported, Counter(), now
        return taken

    def put_back(self, taken: Counter[Loss]) -> None:
        """Note that the report of *taken* could not be written."""
        self._unreported.update(taken)


def dropped_event(reason: Loss, count: int) -> Event:
    """Make the event that reports *count* lost lines in the stream."""
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {
        "timestamp": now,
        "level": "warning",
        "event": "log_lines_dropped",
        "logger": "anytel",
        "count": count,
        "reason": reason,
    }
