"""The observers: each runs the receivers of one vendor and says, in the words of `seen`, what they got."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import TracebackType
from typing import Any, Protocol, Self

from anytel.testing.observe.seen import Catalogue, Seen

__all__ = ["OBSERVERS", "Observer", "environment", "observer"]

OBSERVERS: Mapping[str, str] = {
    "sentry": "SentryObserver",
    "datadog": "DatadogObserver",
    "prometheus": "PrometheusObserver",
    "otlp": "OtlpObserver",
}
"""The backends that can be observed."""


class Observer(Protocol):
    """Receivers that run between ``__enter__`` and ``__exit__``."""

    @property
    def settings(self) -> Mapping[str, str]:
        """The environment variables that point the vendor's backend at the receivers."""

    def received(self) -> Any:
        """Give what decodes the vendor's wire, with all that has arrived, once everything was flushed."""

    def seen(self, catalogue: Catalogue) -> Seen:
        """Decode what has arrived, once everything was flushed; *catalogue* has the series that are known."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None: ...


def observer(backend: str) -> Observer:
    """Make the observer of a backend in `OBSERVERS`; imports what it needs.

    Raises:
        ModuleNotFoundError: What the receivers need is not installed.
    """
    made: Observer = getattr(import_module(f"anytel.testing.observe.{backend}"), OBSERVERS[backend])()
    return made


@contextmanager
def environment(observers: Iterable[Observer]) -> Iterator[None]:
    """Set the vendors' own variables, and have nothing on this machine go through a proxy."""
    wanted = {name: value for one in observers for name, value in one.settings.items()}
    wanted |= {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
