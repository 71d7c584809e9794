"""Real adapters that send to receivers in this process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from anytel.testing.observe import OBSERVERS, environment, observer

__all__ = ["Replay"]


class Replay:
    """Runs the receivers of *backends*, and points the vendors' variables at them, while it is entered."""

    def __init__(self, backends: Sequence[str]) -> None:
        unknown = [name for name in backends if name not in OBSERVERS]
        if unknown:
            raise LookupError(f"there is no receiver for {', '.join(unknown)}; there are {', '.join(OBSERVERS)}")
        self.backends = backends
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as running:
            self._observers = {name: running.enter_context(observer(name)) for name in self.backends}
            running.enter_context(environment(self._observers.values()))
            self._running = running.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._running.close()

    def received(self, backend: str) -> Any:
        """Give the receiver of *backend*, with what it has decoded."""
        return self._observers[backend].received()
