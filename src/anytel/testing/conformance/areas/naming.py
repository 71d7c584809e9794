# ruff: noqa: S101 -- a kit of tests asserts
"""Names: a golden table of how they are written, and names that become the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

import anytel
from anytel.backend import MetricKind, Series
from anytel.testing.conformance.kit import Kit
from anytel.testing.conformance.observed import Measured

__all__ = ["NAMES", "Naming"]

NAMES: Mapping[str, tuple[MetricKind, str]] = {
    "naming.calls": ("count", "{call}"),
    "naming.requests_total": ("count", ""),
    "naming.sent": ("count", "By"),
    "naming.cache-hits": ("count", "1"),
    "naming/queue.depth": ("gauge", ""),
    "naming.heap": ("gauge", "MiBy"),
    "naming.usage": ("gauge", "1"),
    "naming.wait": ("distribution", "ms"),
    "naming.wait_seconds": ("distribution", "s"),
    "naming.query": ("histogram", "s"),
    "naming.users": ("set", ""),
}
"""The metrics whose names on the wire are in the golden table: name -> kind and unit."""

_RECORD: Mapping[MetricKind, Callable[[str, str], None]] = {
    "count": lambda name, unit: anytel.count(name, unit=unit),
    "gauge": lambda name, unit: anytel.gauge(name, 1, unit=unit),
    "distribution": lambda name, unit: anytel.distribution(name, 1, unit=unit),
    "histogram": lambda name, unit: anytel.histogram(name, 1, unit=unit),
    "set": lambda name, unit: anytel.set(name, "one"),
}


class Naming(Kit):
    """Names."""

    @pytest.mark.parametrize("name", NAMES)
    def test_a_name_is_written_as_the_golden_table_says(self, name: str) -> None:
        """Dashboards refer to it: a change of spelling breaks them, and so this test."""
        kind, unit = NAMES[name]
        self.needs(f"metric.{kind}")
        self.start()
        _RECORD[kind](name, unit)
        written = {one.name for one in self.arrived().metrics if "naming" in one.name}
        assert written == {self.names.get(name, name)}
        assert self.spell(Measured(name=name, kind=kind, unit=unit))[0] == self.names.get(name, name)

    def test_the_names_it_says_it_writes_are_those_of_the_golden_table(self) -> None:
        """`anytel.backend.Backend.spelling`: rules and dashboards are generated from what it says."""
        for name, (kind, unit) in NAMES.items():
            spelling = type(self.backend).spelling(Series(name, kind, unit, "", (), ()))
            if spelling is not None:
                assert self.names.get(name, name) in {spelling.name, *spelling.series, *spelling.reserved}

    def test_the_golden_table_has_only_names_that_are_tested(self) -> None:
        """A row that nothing looks at is no promise."""
        assert self.names.keys() <= NAMES.keys()

    def test_names_that_become_the_same_are_not_added_up(self) -> None:
        """``a.b`` and ``a_b`` are two metrics: one may be left out, with a warning, but not mixed into the other."""
        self.needs("metric.count")
        self.start()
        anytel.count("kit.col.lide", 1)
        anytel.count("kit.col_lide", 2)
        observed = self.arrived()
        written = {
            self.spell(Measured(name=name, kind="count", unit=""))[0] for name in ("kit.col.lide", "kit.col_lide")
        }
        values = [one.value for one in observed.metrics if one.name in written]
        assert not observed.malformed
        assert values
        assert set(values) <= {1, 2}
