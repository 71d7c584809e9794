# ruff: noqa: S101 -- a kit of tests asserts
"""Whatever the application gives: nothing is raised, and nobody else's data is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

import anytel
from anytel.testing.conformance.kit import Kit

__all__ = ["Safety"]


class Unprintable:
    """Raises wherever it is looked at."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class Endless(Mapping[str, object]):
    """A mapping within itself."""

    def __getitem__(self, key: str) -> object:
        return self

    def __iter__(self) -> Iterator[str]:
        return iter(["self"])

    def __len__(self) -> int:
        return 1


HOSTILE: Mapping[str, object] = {
    "none": None,
    "empty": "",
    "bytes": b"\xff\x00",
    "nan": float("nan"),
    "infinity": float("-inf"),
    "huge integer": 10**400,
    "huge float": 1.7e308,
    "negative": -1,
    "lone surrogate": "\ud800",
    "control characters": "a\x00b\nc\r\td|e:f#g,h@i\\\"'{}",
    "long text": "x" * 300_000,
    "right to left": "\u202e\u0000abc",
    "unprintable": Unprintable(),
    "cyclic": Endless(),
    "deep": {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}},
}


class Safety(Kit):
    """Bad input."""

    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_a_hostile_value_raises_nothing_and_loses_nothing_else(self, hostile: str) -> None:
        """As a name, a tag, a value, a message: the neighbour arrives."""
        self.start()
        self.emit("before")
        _give(HOSTILE[hostile])
        self.emit("after")
        observed = self.arrived()
        assert not observed.malformed
        assert self.seen("before", observed) == self.times(1)
        assert self.seen("after", observed) == self.times(1)

    def test_a_count_that_goes_down_is_refused(self) -> None:
        """And what was counted stays."""
        self.needs("metric.count")
        self.start()
        anytel.count("kit.up", 3)
        anytel.count("kit.up", -2)
        assert sum(one.value or 0 for one in self.values("kit.up")) == 3


def _give(value: object) -> None:
    """Give *value* to everything that takes one."""
    anytel.count("kit.hostile.count", value)  # type: ignore[arg-type]  # that is the point, here and below
    anytel.gauge("kit.hostile.gauge", value)  # type: ignore[arg-type]
    anytel.distribution("kit.hostile.distribution", value)  # type: ignore[arg-type]
    anytel.histogram("kit.hostile.histogram", value)  # type: ignore[arg-type]
    anytel.set("kit.hostile.set", value)
    anytel.count("kit.hostile.tag", tags={"value": value})
    anytel.count(value)  # type: ignore[arg-type]
    with anytel.span(value, attributes={"value": value, "list": [value]}) as span:  # type: ignore[arg-type]
        span.event(value, {"value": value})  # type: ignore[arg-type]
        span.set({"more": value})
        anytel.get_logger("kit").info(value, value=value)  # type: ignore[arg-type]
        span.fail(value)  # type: ignore[arg-type]
    anytel.capture_exception(ValueError(value), {"value": value})
