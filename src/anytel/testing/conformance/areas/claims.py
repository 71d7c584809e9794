# ruff: noqa: S101 -- a kit of tests asserts
"""Every claim is tested both ways: what is claimed must arrive, and what arrives must be claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import pytest

import anytel
from anytel.testing.conformance.claims import FEATURES, Word
from anytel.testing.conformance.comparator import Difference, compare, measure
from anytel.testing.conformance.kit import Kit

__all__ = ["Claims", "record_everything"]


class Bug(Exception):
    """What the probe raises."""


def record_everything() -> None:
    """Record something of every feature, chosen so that what is lost or changed shows."""
    _metrics()
    with anytel.span("linked") as linked:
        pass
    attributes = {"text": "naïve ☃", "flag": True, "whole": 3, "part": 0.25, "list": ["a", "b"], "mixed": ["a", 1]}
    with anytel.span("root", kind="server", attributes=attributes, links=[(linked, {"why": "batch", "n": 1})]) as root:
        root.event("retry", {"attempt": 2, "last": False})
        anytel.get_logger("kit.shop").warning("hello", user=7, ratio=0.5, names=["x"], deep={"a": 1})
        with anytel.span("service", attributes={"service.name": "payments"}) as other:
            other.fail("quota")
        _failures()
        anytel.histogram("kit.exemplar", 0.3, unit="s")
        anytel.count("kit.exemplified")


def _metrics() -> None:
    counter = anytel.Counter("kit.declared-calls", tags=("zone", "the.path"), unit="{call}", description="Calls made")
    counter.add(2, {"zone": "eu west", "the.path": "/a?b=c"})
    counter.add(3, {"zone": "eu", "the.path": "x"})
    for value in (1.5, -2.5):
        anytel.gauge("kit.level", value, unit="By")
    for number in range(5):
        anytel.distribution("kit.few", number / 10)
    for number in range(2_000):  # more than are kept of one interval
        anytel.distribution("kit.spread", (number + 1) / 1_000, unit="s")
        anytel.histogram("kit.sorted", number + 1, unit="ms")
    for member in range(5_000):  # more than are counted one by one
        anytel.set("kit.members", f"member {member}")


def _failures() -> None:
    log = anytel.get_logger("kit.shop")
    with suppress(Bug), anytel.span("failing"):
        raise Bug("broken")
    try:
        try:
            int("x")
        except ValueError as cause:
            raise Bug("logged") from cause
    except Bug:
        log.exception("failed")
    try:
        raise ExceptionGroup("several", [ValueError("one"), TypeError("two")])  # noqa: TRY301 -- raised and caught here on purpose
    except ExceptionGroup as group:
        anytel.capture_exception(group, {"order.id": 12, "note": "x"})


class Claims(Kit):
    """Claims."""

    def test_every_feature_has_a_claim_and_every_claim_a_feature(self) -> None:
        """What is not stated cannot be relied on, and what no test knows cannot be believed."""
        assert self.claims.unknown() == []
        assert self.claims.silent() == []

    @pytest.mark.parametrize("feature", FEATURES)
    def test_what_is_claimed_arrives_and_what_arrives_is_claimed(self, feature: str) -> None:
        """Over-claiming and under-claiming fail alike, in a recording that has something of every feature."""
        measured, broken = self._recorded()
        claim = self.claims[feature]
        assert [str(one) for one in broken if one.feature == feature] == []
        assert claim.word == measured[feature], f"{feature} is claimed as {claim!s:.60}: it is {measured[feature]}"

    def test_everything_that_arrives_can_be_read(self) -> None:
        """Nothing on the wire breaks its format."""
        _, broken = self._recorded()
        assert [str(one) for one in broken if not one.feature] == []

    def _recorded(self) -> tuple[Mapping[str, Word], Sequence[Difference]]:
        """Record once for all features."""
        kind = type(self)
        if kind not in _recordings:
            self.start()
            record_everything()
            observed, reference = self.arrived(), self.reference.observed()
            broken = compare(reference, observed, self.claims, self.spell)
            _recordings[kind] = measure(reference, observed, self.spell), broken
        return _recordings[kind]


_recordings: dict[type, tuple[Mapping[str, Word], Sequence[Difference]]] = {}
