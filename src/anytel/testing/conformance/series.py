"""One series of a metric, brought together from everything that arrived of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from anytel.testing.conformance.observed import Measured

__all__ = ["JUDGED", "QUANTILES", "in_base_units", "merged", "quantiles"]

QUANTILES = (0.5, 0.9, 0.99)
JUDGED = 100
"""Values from which on quantiles are compared: of fewer, an error says nothing."""

_FACTORS: Mapping[str, float] = {
    "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0,
    "By": 1.0, "kBy": 1e3, "MBy": 1e6, "GBy": 1e9, "KiBy": 2.0**10, "MiBy": 2.0**20, "GiBy": 2.0**30,
}  # fmt: skip


def merged(parts: Sequence[Measured]) -> Measured:
    """Bring together the *parts* of one series, which are in the order in which they arrived."""
    last = parts[-1]
    exemplars = [one.exemplars for one in parts if one.exemplars is not None]
    last = replace(last, exemplars=frozenset[tuple[int, int]]().union(*exemplars) if exemplars else None)
    match last.kind:
        case "gauge":
            return last
        case "count":
            return replace(last, value=_total(one.value for one in parts))
        case "set":
            return _set(last, parts)
        case _:
            return _distribution(last, [_summed(one) for one in parts])


def _set(last: Measured, parts: Sequence[Measured]) -> Measured:
    members = [one.members for one in parts if one.members is not None]
    union = frozenset[str]().union(*members)
    return replace(last, members=union, value=float(len(union))) if members else last


def _summed(one: Measured) -> Measured:
    """Give the count and so on of what came as samples alone."""
    if one.samples is None or one.count is not None:
        return one
    count, total = len(one.samples) * one.weight, math.fsum(one.samples) * one.weight
    low, high = min(one.samples, default=None), max(one.samples, default=None)
    return replace(one, count=count, value=total, low=low, high=high)


def _distribution(last: Measured, parts: Sequence[Measured]) -> Measured:
    samples = [one.samples for one in parts if one.samples is not None]
    buckets = [one.buckets for one in parts if one.buckets is not None]
    lows = [one.low for one in parts if one.low is not None]
    highs = [one.high for one in parts if one.high is not None]
    return replace(
        last,
        count=_total(one.count for one in parts),
        value=_total(one.value for one in parts),
        low=min(lows, default=None),
        high=max(highs, default=None),
        samples=tuple(sorted(value for some in samples for value in some)) if len(samples) == len(parts) else None,
        buckets=_added(buckets) if len(buckets) == len(parts) else None,
    )


def _added(buckets: Sequence[Sequence[tuple[float, float]]]) -> tuple[tuple[float, float], ...]:
    counts: Counter[float] = Counter()
    for some in buckets:
        for bound, count in some:
            counts[bound] += count  # type: ignore[assignment]  # weights make counts fractions
    return tuple(sorted(counts.items()))


def _total(values: Iterable[float | None]) -> float | None:
    shown = [value for value in values if value is not None]
    return math.fsum(shown) if shown else None


def in_base_units(one: Measured, unit: str) -> Measured:
    """Give a series in seconds or bytes, where its unit, which is *unit* if the wire had none, is one of these."""
    factor = _FACTORS.get(one.unit if one.unit is not None else unit, 1.0)
    if factor == 1.0 or one.kind == "set":
        return one
    scaled = {name: value * factor for name in ("value", "low", "high") if (value := getattr(one, name)) is not None}
    samples = None if one.samples is None else tuple(value * factor for value in one.samples)
    buckets = None if one.buckets is None else tuple((bound * factor, count) for bound, count in one.buckets)
    return replace(one, samples=samples, buckets=buckets, **scaled)


def quantiles(one: Measured) -> tuple[float, ...] | None:
    """Give the `QUANTILES`, from the values or else interpolated within the buckets, as PromQL does."""
    if one.samples:
        ordered = sorted(one.samples)
        return tuple(ordered[math.ceil(q * len(ordered)) - 1] for q in QUANTILES)
    if one.buckets and sum(count for _, count in one.buckets):
        return tuple(_interpolated(sorted(one.buckets), q) for q in QUANTILES)
    return None


def _interpolated(buckets: Sequence[tuple[float, float]], quantile: float) -> float:
    rank, reached = quantile * sum(count for _, count in buckets), 0.0
    below = min(0.0, buckets[0][0])
    for (lower, _), (upper, count) in pairwise([(below, 0.0), *buckets]):
        if count and reached + count >= rank:
            return lower if math.isinf(upper) else lower + (upper - lower) * (rank - reached) / count
        reached += count
    return buckets[-1][0]
