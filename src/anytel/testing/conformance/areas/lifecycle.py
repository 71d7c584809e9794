# ruff: noqa: S101 -- a kit of tests asserts
"""Making, opening, closing, and using at the wrong time."""

from __future__ import annotations

import threading
import time

import anytel
from anytel.backend import Signal
from anytel.testing.conformance.kit import Kit

__all__ = ["Lifecycle"]


class Lifecycle(Kit):
    """Lifecycle."""

    def test_making_it_starts_no_thread(self) -> None:
        """The constructor reads settings; what it starts would outlive a `configure` that fails."""
        before = set(threading.enumerate())
        self.make()
        assert set(threading.enumerate()) <= before

    def test_its_name_can_be_configured(self) -> None:
        """Backends are chosen by name, in a comma-separated list."""
        name = self.backend.name
        assert name == name.strip().lower()
        assert "," not in name
        assert name not in ("", "none")

    def test_what_is_recorded_before_it_is_open_does_not_arrive(self) -> None:
        """Unconfigured calls do nothing."""
        self.emit("early")
        self.start()
        self.emit("late")
        observed = self.arrived()
        assert self.seen("early", observed) == self.times(0)
        assert self.seen("late", observed) == self.times(1)

    def test_flushing_again_sends_nothing_again(self) -> None:
        """A flush is no reason to repeat what was delivered."""
        self.start()
        self.emit("once")
        assert anytel.flush(self.patience)
        assert anytel.flush(self.patience)
        assert self.seen("once") == self.times(1)

    def test_closing_twice_is_harmless(self) -> None:
        """The second time there is nothing to do."""
        self.start()
        self.emit("once")
        assert anytel.shutdown(self.patience)
        assert anytel.shutdown(self.patience)
        self.backend.close(time.monotonic() + self.patience)
        assert self.pulled or self.seen("once") == self.times(1)

    def test_use_after_closing_does_nothing(self) -> None:
        """What is recorded after the end goes nowhere and raises nothing."""
        self.start()
        self.emit("before")
        assert anytel.shutdown(self.patience)
        self.emit("after")
        assert anytel.flush(self.patience)
        observed = self.read()
        assert self.pulled or self.seen("before", observed) == self.times(1)
        assert self.seen("after", observed) == self.times(0)

    def test_closing_before_anything_was_recorded_is_harmless(self) -> None:
        """A process may end before it has done anything."""
        self.start()
        assert anytel.shutdown(self.patience)

    def test_configuring_again_doubles_nothing(self) -> None:
        """The adapter that goes is drained, and the one that comes does not send what the other has sent."""
        self.start()
        self.emit("first")
        assert anytel.flush(self.patience)
        self._begin()
        self.start()
        self.emit("second")
        observed = self.arrived()
        # Totals outlive the adapter that showed them.
        totals: dict[Signal, float] = {"metric": 1} if self.sees_totals else {}
        assert self.seen("first", observed) == self.times(0) | totals
        assert self.seen("second", observed) == self.times(1)

    def test_closing_leaves_no_thread(self) -> None:
        """However often: a process that reloads its settings must not grow."""
        self._cycle()
        before = len(_threads())
        for _ in range(3):
            self._cycle()
        assert self.eventually(lambda: len(_threads()) <= before), _threads()

    def _cycle(self) -> None:
        self.start()
        self.emit("again")
        assert anytel.flush(self.patience)
        assert anytel.shutdown(self.patience)
        self._begin()


def _threads() -> list[str]:
    """Give the threads that run, without those in which the receivers and this kit do their part."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if "process_request" not in name and name not in ("anytel-receiver", "conformance")]
