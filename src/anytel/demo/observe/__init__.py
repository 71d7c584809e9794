"""The observers: each runs the receivers of one vendor and says, in the words of `anytel.demo.seen`, what they got."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import TracebackType
from typing import Protocol, Self

from anytel.demo.seen import Catalogue, Seen

__all__ = ["OBSERVERS", "Observer", "observer"]

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
    made: Observer = getattr(import_module(f"anytel.demo.observe.{backend}"), OBSERVERS[backend])()
    return made
