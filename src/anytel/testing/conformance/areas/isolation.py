# ruff: noqa: S101 -- a kit of tests asserts
"""Siblings: what another backend does must not show here, nor what this one does there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import ClassVar, NoReturn

import pytest

import anytel
from anytel.backend import Backend
from anytel.pipeline import outlet
from anytel.testing.conformance.kit import Kit

__all__ = ["Isolation"]


class Raising(Backend):
    """Raises in every method that may."""

    name: ClassVar[str] = "raising"

    def _raise(self, *args: object) -> NoReturn:
        raise RuntimeError("a sibling fails")

    spans = metrics = logs = errors = flush = close = _raise


class Waiting(Backend):
    """Waits in every method that takes a batch: *seconds*, or until it is released."""

    name: ClassVar[str] = "waiting"

    def __init__(self, seconds: float | None) -> None:
        self.released, self._seconds = threading.Event(), seconds

    def _wait(self, batch: object, deadline: float) -> NoReturn:
        self.released.wait(self._seconds)
        raise RuntimeError("a sibling was too slow")

    spans = metrics = logs = errors = _wait


SIBLINGS: dict[str, Callable[[], Backend]] = {
    "raising": Raising,
    "slow": lambda: Waiting(0.05),
    "blocking": lambda: Waiting(None),
}


class Isolation(Kit):
    """Isolation."""

    @pytest.fixture
    def sibling(self, request: pytest.FixtureRequest) -> Iterator[Backend]:
        """Make the sibling of that name, and let it go at the end."""
        made = SIBLINGS[request.param]()
        yield made
        if isinstance(made, Waiting):
            made.released.set()

    @pytest.mark.parametrize("sibling", SIBLINGS, indirect=True)
    def test_beside_a_broken_sibling_everything_arrives_here(self, sibling: Backend) -> None:
        """It raises, is slow, or never comes back."""
        self.start(sibling)
        for _ in range(5):
            self.emit("beside")
        self._flush()
        assert self.eventually(lambda: self.seen("beside") == self.times(5)), self.seen("beside")

    def test_while_this_wire_is_dead_everything_arrives_at_a_sibling(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And neither the caller nor a flush waits for it."""
        monkeypatch.setattr(outlet, "ATTEMPT", 0.5)
        dead = self.make_dead()
        if dead is None:
            pytest.skip("its wire cannot be dead")
        self.backend = dead
        self.start()
        for _ in range(5):
            self.emit("beside")
        self._flush()
        assert self.eventually(lambda: len(self.reference.finished) == len(self.reference.reports) == 5)
        anytel.shutdown(0.1)

    def _flush(self) -> None:
        """Flush without waiting for it: somebody blocks. With less time, a slow answer would be taken for none."""
        threading.Thread(target=anytel.flush, args=(self.patience,), name="conformance", daemon=True).start()
