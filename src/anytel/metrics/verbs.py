"""The verbs: metrics by name, without a declaration."""

from __future__ import annotations

from anytel.metrics.instruments import Counter, Distribution, Gauge, Histogram, Set, Tags
from anytel.metrics.registry import _instruments, resolve

__all__ = ["count", "distribution", "gauge", "histogram", "set"]


def count(name: str, value: float = 1, *, tags: Tags | None = None, unit: str = "") -> None:
    """Add *value*, finite and not negative, to the count *name*."""
    found = _instruments.get(name) if type(name) is str else None
    if type(found) is not Counter or (unit and unit != found.unit):
        found = resolve(Counter, name, unit)
    found.add(value, tags)


def gauge(name: str, value: float, *, tags: Tags | None = None, unit: str = "") -> None:
    """Set the gauge *name*: of the values of an interval, the last one counts."""
    found = _instruments.get(name) if type(name) is str else None
    if type(found) is not Gauge or (unit and unit != found.unit):
        found = resolve(Gauge, name, unit)
    found.set(value, tags)


def distribution(name: str, value: float, *, tags: Tags | None = None, unit: str = "") -> None:
    """Record a sample, in *unit*, of which the backend computes percentiles over all hosts."""
    found = _instruments.get(name) if type(name) is str else None
    if type(found) is not Distribution or (unit and unit != found.unit):
        found = resolve(Distribution, name, unit)
    found.record(value, tags)


def histogram(name: str, value: float, *, tags: Tags | None = None, unit: str = "") -> None:
    """Record a sample, in *unit*, that the application sorts into buckets; those of the unit, if not declared."""
    found = _instruments.get(name) if type(name) is str else None
    if type(found) is not Histogram or (unit and unit != found.unit):
        found = resolve(Histogram, name, unit)
    found.record(value, tags)


def set(name: str, value: object, *, tags: Tags | None = None) -> None:  # noqa: A001 -- the field's word; not in __all__ of anytel
    """Take *value* into account in the number of different values of *name*."""
    found = _instruments.get(name) if type(name) is str else None
    if type(found) is not Set:
        found = resolve(Set, name, "")
    found.add(value, tags)
