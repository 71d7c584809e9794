# ruff: noqa: S101 -- a kit of tests asserts
"""Bounds, exact accounts of what is dropped, and deadlines."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import pytest

import anytel
from anytel import runtime
from anytel.backend import Ack, Backend, MetricBatch, Signal
from anytel.metrics.store import store
from anytel.pipeline import outlet
from anytel.pipeline.accounts import Counts
from anytel.pipeline.host import BackendHost
from anytel.pipeline.pipeline import Pipeline
from anytel.redaction import Redactor
from anytel.testing.conformance.kit import Kit

__all__ = ["Accounts"]

MANY = 250


class Accounts(Kit):
    """Accounts."""

    @pytest.fixture
    def pushed(self) -> None:
        """Skip what makes no sense where nothing is sent."""
        if self.pulled:
            pytest.skip("it is scraped: nothing waits, is sent or is dropped")

    def test_nothing_of_many_is_lost(self, pushed: None) -> None:
        """More than one batch or envelope holds, and the account says so."""
        self.start()
        for _ in range(MANY):
            self.emit("many")
        observed = self.arrived()
        counts = self._counts(runtime.active.pipeline)
        assert self.seen("many", observed) == self.times(MANY)
        for signal in set(self.signals) - {"metric"}:
            assert (counts[signal].emitted, counts[signal].delivered) == (MANY, MANY)
        assert all(_adds_up(one) and not one.dropped for one in counts.values())

    def test_what_is_delivered_has_arrived_and_the_rest_is_counted(
        self, pushed: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """When a queue overflows: emitted is delivered plus dropped, and delivered is what is there."""
        for signal in ("span", "log", "error"):
            monkeypatch.setitem(outlet.LIMITS, signal, 20)
        self.start()
        for _ in range(60):
            self.emit("over")
        anytel.flush(self.patience)
        counts, seen = self._counts(runtime.active.pipeline), self.seen("over")
        for signal in set(self.signals) - {"metric"}:
            assert counts[signal].emitted == 60
            assert counts[signal].delivered == seen[signal]
            assert _adds_up(counts[signal])

    def test_what_a_dead_wire_does_not_take_is_counted(self, pushed: None, monkeypatch: pytest.MonkeyPatch) -> None:
        """After the end everything is either delivered or dropped, and the end does not wait for ever."""
        monkeypatch.setattr(outlet, "ATTEMPT", 0.5)
        self.backend = self._dead()
        self.start()
        for _ in range(5):
            self.emit("dead")
        pipeline = runtime.active.pipeline
        assert self.within_patience(lambda: (anytel.shutdown(0.2), True)[1])
        assert self.eventually(lambda: all(map(_adds_up, self._counts(pipeline).values())))

    @pytest.mark.parametrize("call", ["spans", "metrics", "logs", "errors", "flush", "close"])
    def test_a_call_on_a_dead_wire_ends_by_its_deadline(self, pushed: None, call: str) -> None:
        """It gives up and says what is left; raising is allowed too."""
        dead = self._dead()
        dead.open(BackendHost("dead", {"service.name": "kit"}, 1.0, Redactor(), store))
        do = self._calls(dead)[call]
        try:
            assert self.within_patience(lambda: _ends(do)), f"{call}() did not return"
        finally:
            self.within_patience(lambda: _ends(dead.close))

    def _calls(self, dead: Backend) -> Mapping[str, Callable[[float], Ack | bool]]:
        """Give the methods with the records of one mark."""
        self.start()
        self.emit("dead")
        assert anytel.flush(self.patience)
        kept = self.reference
        batch = MetricBatch(0, 1, dead.metric_flow, list(kept.points))
        return {
            "spans": lambda until: dead.spans(list(kept.finished), until),
            "metrics": lambda until: dead.metrics(batch, until),
            "logs": lambda until: dead.logs(list(kept.events), until),
            "errors": lambda until: dead.errors(list(kept.reports), until),
            "flush": dead.flush,
            "close": dead.close,
        }

    def _dead(self) -> Backend:
        dead = self.make_dead()
        if dead is None:
            pytest.skip("its wire cannot be dead")
        return dead

    def _counts(self, pipeline: Pipeline) -> Mapping[Signal, Counts]:
        return pipeline.counts()[self.backend.name]


def _ends(do: Callable[[float], Ack | bool]) -> bool:
    """Call with little time; an acknowledgement must add up to the one record that was given."""
    try:
        answer = do(time.monotonic() + 0.1)
    except Exception:
        return True
    return not isinstance(answer, Ack) or answer.delivered + sum(answer.dropped.values()) + answer.retry == 1


def _adds_up(counts: Counts) -> bool:
    return counts.emitted == counts.delivered + sum(counts.dropped.values()) and counts.queued == 0
