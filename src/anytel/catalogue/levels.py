"""Levels: for a condition, a value at which it holds and one at which it does not, among those that can be."""

from __future__ import annotations

from typing import NamedTuple

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Condition, Latency, Ratio, Stat
from anytel.catalogue.stats import percentile, stat_of
from anytel.metrics.instruments import Instrument

__all__ = ["Levels", "holds", "levels"]


class Levels(NamedTuple):
    """Two values of an expression, in its instrument's unit."""

    holding: float
    quiet: float


def levels(catalogue: Catalogue, condition: Condition) -> Levels:
    """Give both values of a condition whose expression is a valid `Stat`, `Ratio` or `Latency`.

    Raises:
        ValueError: It always holds, or never; the message says why.
    """
    low, high, why = _range(catalogue, condition)
    threshold, upwards = float(condition.threshold), condition.operator.startswith(">")
    if _interpolated(catalogue, condition) and low is not None and high is not None:
        above, below = high, low
    else:
        above, below = _above(threshold, high), _below(threshold, low)
    found = Levels(above, below) if upwards else Levels(below, above)
    if not holds(condition, found.holding):
        raise ValueError(f"it never holds: {why}")
    if holds(condition, found.quiet):
        raise ValueError(f"it always holds: {why}")
    return found


def holds(condition: Condition, value: float) -> bool:
    """Whether a condition holds at a value."""
    threshold = condition.threshold
    return {
        ">": value > threshold,
        ">=": value >= threshold,
        "<": value < threshold,
        "<=": value <= threshold,
    }[condition.operator]


# Round numbers are avoided: a rate of 1 that was added up from floats may be shown as 1000m.
def _above(threshold: float, high: float | None) -> float:
    if high is not None:
        return high if threshold >= high else _short((threshold + high) / 2)
    return _short(threshold * (2.2 if threshold > 0 else 0.45) or 1.1)


def _below(threshold: float, low: float | None) -> float:
    if low is not None and threshold <= low:
        return low
    return _short(threshold * (0.45 if threshold > 0 else 2.2) or -1.1)


def _short(value: float) -> float:
    """Give three significant digits: where four are shown, what was added up from floats then reads the same."""
    return float(f"{value:.3g}")


def _interpolated(catalogue: Catalogue, condition: Condition) -> bool:
    """Whether it is a percentile, which is sure only where all values are below the first bound or above the last."""
    expression = condition.expression
    return (
        isinstance(expression, Stat) and percentile(stat_of(expression, catalogue.instrument(expression))) is not None
    )


def _range(catalogue: Catalogue, condition: Condition) -> tuple[float | None, float | None, str]:
    """Give the least and the largest value there can be, where there is one, and what says so."""
    expression = condition.expression
    if isinstance(expression, Ratio | Latency):
        return 0.0, 1.0, "a share is from 0 to 1"
    if not isinstance(expression, Stat):
        return None, None, ""
    instrument = catalogue.instrument(expression)
    word = stat_of(expression, instrument)
    if percentile(word) is not None:
        return _of_buckets(instrument, word)
    if instrument.kind == "set" or word in ("rate", "increase"):
        return 0.0, None, "it is never below 0"
    return None, None, ""


def _of_buckets(instrument: Instrument, word: str) -> tuple[float, float, str]:
    """Give what a percentile can be: it is interpolated within a bucket, and what is above all bounds is the last."""
    bounds, share = instrument.bounds, float(percentile(word) or 0) / 100
    least = bounds[0] * share if bounds[0] > 0 else bounds[0]
    return least, bounds[-1], f"{word} of {instrument.name!r} is from {least:g} to {bounds[-1]:g}, by its buckets"
