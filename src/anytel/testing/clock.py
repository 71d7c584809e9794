"""A clock that stands still until it is advanced: what a test reads of times is then the same each time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType

__all__ = ["Clock"]

START = "2026-01-01T00:00:00Z"
_DEADLINES = ("anytel.pipeline.", "anytel.testing.", "anytel.logs.background.", "anytel.demo.")
"""Modules that wait, or deliver: they go by the real time."""
_TIMED = ("anytel.pipeline.records",)


class Clock:
    """Stands at *start* (ISO 8601) for everything that anytel records, between `install` and `uninstall`."""

    def __init__(self, start: str = START) -> None:
        moment = datetime.fromisoformat(start)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        self._ns = int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000
        self._replaced: list[tuple[ModuleType, str, object]] = []

    @property
    def ns(self) -> int:
        """Nanoseconds since the epoch."""
        return self._ns

    def advance(self, seconds: float) -> None:
        """Go forward by *seconds*, to the nanosecond."""
        if seconds < 0:
            raise ValueError(f"a clock does not go back, by {seconds} s")
        self._ns += round(seconds * 1e9)

    def install(self) -> None:
        """Have the modules of anytel that record read this clock."""
        readers: dict[object, Callable[[], float]] = {
            time.time_ns: lambda: self._ns,
            time.perf_counter_ns: lambda: self._ns,
            time.perf_counter: lambda: self._ns / 1e9,
        }
        module = _Time(readers)
        for name, one in sorted(sys.modules.items()):
            if name in _TIMED or (name.startswith("anytel.") and not name.startswith(_DEADLINES)):
                for attribute, value in list(vars(one).items()):
                    new = module if value is time else readers.get(value) if callable(value) else None
                    if new is not None:
                        self._replaced.append((one, attribute, value))
                        setattr(one, attribute, new)

    def uninstall(self) -> None:
        """Have them read the real one."""
        for module, attribute, value in self._replaced:
            setattr(module, attribute, value)
        self._replaced.clear()


class _Time(ModuleType):
    """The module `time` with some of its functions replaced."""

    def __init__(self, readers: dict[object, Callable[[], float]]) -> None:
        super().__init__("time")
        for name, value in vars(time).items():
            setattr(self, name, readers.get(value, value) if callable(value) else value)
