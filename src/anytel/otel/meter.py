"""The meter provider: instruments of OpenTelemetry as metrics of ours, under the rules of undeclared ones.

What goes up and down is a gauge here. Observable instruments are asked when an interval ends and at each scrape.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar

from opentelemetry import metrics
from opentelemetry.context.context import Context
from opentelemetry.metrics import CallbackOptions, CallbackT, Observation
from opentelemetry.util.types import Attributes

from anytel import misuse, runtime
from anytel.attributes import text
from anytel.metrics import instruments, registry
from anytel.metrics.number import number
from anytel.metrics.store import MAX_SERIES, store

__all__ = ["Meter", "MeterProvider"]

I = TypeVar("I", bound=instruments.Instrument)  # noqa: E741 -- as in the registry

logger = logging.getLogger("anytel")


class MeterProvider(metrics.MeterProvider):
    """Gives meters that record to the backends of `anytel.configure`."""

    def get_meter(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Attributes = None
    ) -> Meter:
        """Give a meter. Metrics are known by their names alone, whatever meter makes them."""
        return Meter(name, version, schema_url)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Deliver everything; see `anytel.flush`."""
        return runtime.flush(timeout_millis / 1e3)

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Deliver everything. Telemetry goes on until `anytel.shutdown`."""
        runtime.flush(timeout_millis / 1e3)


class Meter(metrics.Meter):
    """Makes instruments."""

    def create_counter(self, name: str, unit: str = "", description: str = "") -> metrics.Counter:
        """Make a count."""
        return _Counter(_metric(instruments.Counter, name, unit, description))

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> metrics.UpDownCounter:
        """Make a gauge that is added to."""
        return _UpDownCounter(_metric(instruments.Gauge, name, unit, description))

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> Any:
        """Make a gauge."""
        return _Gauge(_metric(instruments.Gauge, name, unit, description))

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> metrics.Histogram:
        """Make a histogram with the advised buckets, or those of the unit."""
        bounds = _bounds(explicit_bucket_boundaries_advisory)
        return _Histogram(_metric(instruments.Histogram, name, unit, description, bounds))

    def create_observable_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> metrics.ObservableCounter:
        """Make a count whose callbacks give its total."""
        counter = _metric(instruments.Counter, name, unit, description)
        totals: dict[frozenset[tuple[str, object]], float] = {}

        def record(total: float, tags: Attributes) -> None:
            series = frozenset((tags or {}).items())
            before = totals.get(series, 0)
            totals[series] = total
            # A total that is less than before has begun anew.
            counter.add(total - before if total >= before else total, tags)

        return _observed(_ObservableCounter(name), callbacks, record)

    def create_observable_gauge(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> metrics.ObservableGauge:
        """Make a gauge whose callbacks give its value."""
        gauge = _metric(instruments.Gauge, name, unit, description)
        return _observed(_ObservableGauge(name), callbacks, gauge.set)

    def create_observable_up_down_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> metrics.ObservableUpDownCounter:
        """Make a gauge whose callbacks give its value."""
        gauge = _metric(instruments.Gauge, name, unit, description)
        return _observed(_ObservableUpDownCounter(name), callbacks, gauge.set)


class _Counter(metrics.Counter):
    def __init__(self, metric: instruments.Counter) -> None:
        self._metric = metric

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        self._metric.add(amount, attributes)


class _UpDownCounter(metrics.UpDownCounter):
    def __init__(self, metric: instruments.Gauge) -> None:
        self._metric = metric

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        self._metric.add(amount, attributes)


class _Gauge(metrics._Gauge):
    def __init__(self, metric: instruments.Gauge) -> None:
        self._metric = metric

    def set(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        self._metric.set(amount, attributes)


class _Histogram(metrics.Histogram):
    def __init__(self, metric: instruments.Histogram) -> None:
        self._metric = metric

    def record(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        self._metric.record(amount, attributes)


def _metric(kind: type[I], name: str, unit: str, description: str, bounds: tuple[float, ...] | None = None) -> I:
    """Give the metric of that name, as a first use without a declaration would make it."""
    made = registry.resolve(kind, name, text(unit) if unit is not None else "", bounds)
    if made.implicit and made.name and not made.description:
        made.description = instruments._said(description)
    return made


def _bounds(advised: Sequence[float] | None) -> tuple[float, ...] | None:
    try:
        return tuple(sorted({float(one) for one in advised})) if advised is not None else None
    except Exception:
        misuse.count("buckets")
        return None


class _Named:
    """An observable instrument, of which nothing is asked: its callbacks are."""

    def __init__(self, name: str) -> None:
        self.name = name


class _ObservableCounter(_Named, metrics.ObservableCounter):
    pass


class _ObservableGauge(_Named, metrics.ObservableGauge):
    pass


class _ObservableUpDownCounter(_Named, metrics.ObservableUpDownCounter):
    pass


_K = TypeVar("_K", bound=_Named)


def _observed(made: _K, callbacks: Sequence[CallbackT] | None, record: Callable[[float, Attributes], None]) -> _K:
    """Have the callbacks of an instrument asked from now on."""
    for callback in _callbacks(callbacks):
        store.observers.add(_Observer(made.name, callback, record))
    if store.observers:
        store.on_record()
    return made


def _callbacks(given: Sequence[CallbackT] | None) -> Sequence[CallbackT]:
    """Give those of *given* that can be asked."""
    try:
        every = list(given) if given is not None else []
    except Exception:
        misuse.count("observer")
        return ()
    usable = [one for one in every if callable(one) or isinstance(one, Generator)]
    if len(usable) < len(every):
        misuse.count("observer", len(every) - len(usable))
    return usable


class _Observer:
    """One callback of an instrument: a function, or a generator that gives what was observed each time."""

    def __init__(self, name: str, callback: CallbackT, record: Callable[[float, Attributes], None]) -> None:
        self._name, self._record = name, record
        self._primed = not isinstance(callback, Generator)
        self._callback = callback

    def __call__(self) -> None:
        """Record what the callback observes; one that raises is counted and asked again the next time."""
        try:
            for observation in islice(self._observations(), MAX_SERIES):
                self._record(number(observation.value), observation.attributes)
        except BaseException as exc:  # also what is no Exception: the other callbacks are asked all the same
            misuse.count("observer")
            logger.warning("a callback of metric %r raised %s", self._name, misuse.shown(exc))

    def _observations(self) -> Iterable[Observation]:
        callback = self._callback
        if not isinstance(callback, Generator):
            return callback(CallbackOptions())
        if self._primed:
            return callback.send(CallbackOptions())
        self._primed = True
        return next(callback)
