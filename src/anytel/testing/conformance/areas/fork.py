# ruff: noqa: S101 -- a kit of tests asserts
"""Fork: a child sends what is its own, and nothing twice."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Callable
from contextlib import suppress

import pytest

import anytel
from anytel.testing.conformance.kit import Kit

__all__ = ["Fork"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
class Fork(Kit):
    """Fork."""

    def test_a_forked_child_sends_its_own_and_nothing_twice(self) -> None:
        """Neither what the parent has sent, nor what still waited in it, nor its totals."""
        self.start()
        self.emit("sent")
        assert anytel.flush(self.patience)
        self.emit("waiting")
        self._in_child(lambda: self.emit("child"))
        self.emit("later")
        observed = self.arrived()
        for label in ("sent", "waiting", "later"):
            assert self.seen(label, observed) == self.times(1), label
        assert self.seen("child", observed) == self.times(1 if self.shared_wire else 0)

    def test_a_child_of_an_idle_parent_sends_too(self) -> None:
        """Servers fork before the first request."""
        self.start()
        for label in ("one", "two"):
            self._in_child(lambda label=label: self.emit(label))  # type: ignore[misc]  # the default binds the label
        observed = self.arrived()
        for label in ("one", "two"):
            assert self.seen(label, observed) == self.times(1 if self.shared_wire else 0), label

    def _in_child(self, work: Callable[[], None]) -> None:
        """Do *work* in a forked child, flush there, and see it end."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads run: that is what is tested
            child = os.fork()
        if child == 0:
            status = 1
            with suppress(BaseException):
                work()
                status = 0 if anytel.flush(self.patience) else 2
            os._exit(status)
        assert _ended(child, time.monotonic() + 2 * self.patience) == 0


def _ended(child: int, deadline: float) -> int:
    """Give how the child ended; one that hangs is killed."""
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)  # waiting with a limit has no other form
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGKILL
