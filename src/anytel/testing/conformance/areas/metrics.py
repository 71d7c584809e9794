# ruff: noqa: S101 -- a kit of tests asserts
"""Metrics: sums, order, edges, errors, units and tag sets."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

import anytel
from anytel.testing.conformance.kit import Kit
from anytel.testing.conformance.observed import Measured
from anytel.testing.conformance.series import QUANTILES, in_base_units, merged, quantiles

__all__ = ["Metrics"]


class Metrics(Kit):
    """Metrics."""

    def test_counts_are_exact_under_threads(self) -> None:
        """Eight threads lose no increment, over several intervals."""
        self.needs("metric.count")
        self.start()
        for _ in range(2):
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(_count_often, range(8)))
            assert anytel.flush(self.patience)
        assert self._one("kit.threads").value == 4_000

    def test_counts_are_exact_under_tasks(self) -> None:
        """So do five hundred tasks."""
        self.needs("metric.count")

        async def main() -> None:
            await asyncio.gather(*(_counting() for _ in range(500)))

        self.start()
        asyncio.run(main())
        assert self._one("kit.tasks").value == 1_000

    def test_of_a_gauge_the_last_value_arrives(self) -> None:
        """Up, down, and over several intervals."""
        self.needs("metric.gauge")
        self.start()
        for values in ((3.0, 12.0), (7.0,), (40.0, -1.5)):
            for value in values:
                anytel.gauge("kit.depth", value)
            assert anytel.flush(self.patience)
        assert self._one("kit.depth").value == -1.5

    def test_a_gauge_adds_up(self) -> None:
        """What is in flight goes up and down."""
        self.needs("metric.gauge")
        self.start()
        gauge = anytel.Gauge("kit.flight")
        for change in (5, -2, 1):
            gauge.add(change)
        assert self._one("kit.flight").value == 4

    def test_a_value_on_a_bound_is_in_the_bucket_below(self) -> None:
        """The bounds are inclusive upper ones; zero and what is beyond the last have buckets too."""
        self.needs("metric.histogram")
        self.start()
        histogram = anytel.Histogram("kit.edges", buckets=(1, 2, 5))
        for value in (0, 1, 1.0000001, 2, 5, 5.1, 1e9):
            histogram.record(value)
        self.agree("metric.histogram")
        buckets = self._one("kit.edges").buckets
        assert buckets is None or [count for _, count in sorted(buckets)] == [2, 2, 1, 2]

    @pytest.mark.parametrize("kind", ["distribution", "histogram"])
    def test_no_value_of_a_few_is_lost(self, kind: str) -> None:
        """Ninety values are ninety values, however they are sent."""
        self.needs(f"metric.{kind}")
        self.start()
        for number in range(90):
            getattr(anytel, kind)("kit.few", 0.001 * (number + 1), unit="s")
        found = self._one("kit.few")
        assert found.count in (None, 90)
        assert found.value is None or in_base_units(found, "s").value == pytest.approx(0.001 * 90 * 91 / 2)

    def test_quantiles_of_many_values_are_within_the_claimed_error(self) -> None:
        """Of 5,000 values from 0.0002 to 1, evenly distributed."""
        self.needs("metric.distribution")
        claim = self.claims["metric.distribution"]
        self.start()
        for number in range(5_000):
            anytel.distribution("kit.spread", (number * 7_919 % 5_000 + 1) / 5_000, unit="s")
        found = quantiles(in_base_units(self._one("kit.spread"), "s"))
        if found is None:  # number, sum and extremes alone, which are compared with the claims
            assert claim.error is None
            return
        # What is claimed as exact is a sample of them all: the store itself keeps a thousand.
        allowed = claim.error if claim.error is not None else 0.25
        assert all(abs(got - want) <= allowed * want for want, got in zip(QUANTILES, found, strict=True)), found

    @pytest.mark.parametrize("size", [1, 100, 5_000])
    def test_the_size_of_a_set_is_within_the_claimed_error(self, size: int) -> None:
        """Small sets, and sets that are larger than what a sketch keeps."""
        self.needs("metric.set")
        self.start()
        for _ in range(2):
            for member in range(size):
                anytel.set("kit.members", f"user {member}")
            assert anytel.flush(self.patience)
        value = self._one("kit.members").value
        assert value == pytest.approx(size, rel=self.claims["metric.set"].error or 1e-9)

    def test_what_raises_is_timed_too(self) -> None:
        """And what is cancelled."""
        self.needs("metric.distribution")
        self.start()
        timer = anytel.Distribution("kit.timed", unit="ms")
        for problem in (ValueError("late"), asyncio.CancelledError(), None):
            with suppress(ValueError, asyncio.CancelledError), timer.time():
                if problem is not None:
                    raise problem
        found = self._one("kit.timed")
        assert found.count in (None, 3)

    @pytest.mark.parametrize(
        ("unit", "value"), [("ns", 250e6), ("us", 250e3), ("ms", 250), ("s", 0.25), ("min", 1 / 240)]
    )
    def test_a_value_and_its_unit_belong_together(self, unit: str, value: float) -> None:
        """A quarter of a second is one, in whatever unit it is recorded and shown."""
        self.needs("metric.distribution")
        self.start()
        anytel.distribution("kit.quarter", value, unit=unit)
        found = in_base_units(self._one("kit.quarter"), unit)
        assert found.value is None or found.value == pytest.approx(0.25)

    def test_series_with_different_tag_sets_are_apart(self) -> None:
        """No tags, one, two: three series, and the order in which tags are given does not matter."""
        self.needs("metric.count")
        self.needs("metric.tags")
        self.start()
        anytel.count("kit.sets", 1)
        anytel.count("kit.sets", 2, tags={"color": "red"})
        anytel.count("kit.sets", 4, tags={"color": "red", "size": "x1"})
        anytel.count("kit.sets", 8, tags={"size": "x1", "color": "red"})
        self.agree("metric.count", "metric.tags", "metric.name")

    def test_exemplars_lead_to_the_span(self) -> None:
        """Inside a span, a value carries its ids."""
        self.needs("metric.exemplars")
        self.start()
        with anytel.span("seen") as span:
            anytel.histogram("kit.exemplar", 0.2, unit="s")
        ids = (int(span.trace_id, 16), int(span.span_id, 16))
        assert self._one("kit.exemplar").exemplars == frozenset({ids})

    def _one(self, name: str) -> Measured:
        """Give what arrived of our one series of that name, brought together."""
        found = self.values(name)
        assert found, f"nothing of {name} arrived"
        return merged(found)


def _count_often(_: int) -> None:
    for _ in range(250):
        anytel.count("kit.threads")


async def _counting() -> None:
    anytel.count("kit.tasks")
    await asyncio.sleep(0)
    anytel.count("kit.tasks")
