"""Base-2 exponential histograms of samples.

Data model: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram. The bucket *index* of a
scale holds the values above ``base ** index`` and up to ``base ** (index + 1)``, with ``base = 2 ** (2 ** -scale)``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Buckets", "Histogram", "histogram"]

MAX_SIZE = 160
"""Buckets of each sign, as in OpenTelemetry's SDKs: those of values within a decade are 2 % wide."""
MAX_SCALE, MIN_SCALE = 20, -10


class Buckets(NamedTuple):
    """Counts of successive buckets; the first one has the index *offset*."""

    offset: int
    counts: Sequence[int]


class Histogram(NamedTuple):
    """What a data point holds of the values: *negative* has the buckets of their absolute values."""

    scale: int
    zeros: int
    positive: Buckets
    negative: Buckets


def histogram(samples: Sequence[float], count: int) -> Histogram:
    """Sort *samples*, which stand for *count* values, into as fine buckets as there are.

    Where there are fewer samples than values, the counts are rounded so that their sum is *count*.
    """
    weighed = Counter(dict(_weighed(sorted(samples), count)))
    positive = {value: number for value, number in weighed.items() if value > 0}
    negative = {-value: number for value, number in weighed.items() if value < 0}
    scale = min(_scale(positive), _scale(negative))
    return Histogram(scale, weighed[0.0], _buckets(positive, scale), _buckets(negative, scale))


def _weighed(ordered: Sequence[float], count: int) -> Iterable[tuple[float, int]]:
    """Give each value with the number of values that it stands for."""
    numbers: Counter[float] = Counter()
    reached = 0
    for place, value in enumerate(ordered, 1):
        upto = round(place * count / len(ordered))
        numbers[value] += upto - reached
        reached = upto
    return numbers.items()


def _scale(values: Iterable[float]) -> int:
    """Give the finest scale at which *values* fit into `MAX_SIZE` buckets."""
    low, high = min(values, default=1.0), max(values, default=1.0)
    for scale in range(MAX_SCALE, MIN_SCALE, -1):
        if _index(high, scale) - _index(low, scale) < MAX_SIZE:
            return scale
    return MIN_SCALE


def _index(value: float, scale: int) -> int:
    return math.ceil(math.ldexp(math.log2(value), scale)) - 1


def _buckets(values: dict[float, int], scale: int) -> Buckets:
    if not values:
        return Buckets(0, ())
    found: Counter[int] = Counter()
    for value, number in values.items():
        found[_index(value, scale)] += number
    low, high = min(found), max(found)
    return Buckets(low, [found[index] for index in range(low, high + 1)])
