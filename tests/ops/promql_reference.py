"""PromQL computed here, from totals in memory: what Prometheus has to answer, if names, labels and values are right.

It knows what our generators write. The algorithms are those of Prometheus' ``promql/functions.go`` and
``promql/quantile.go``: rates are extrapolated to the window, quantiles interpolated within a bucket.
"""

from __future__ import annotations

import math
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import promql_parser as parser

from anytel.backend import Point
from anytel.generate.spelling import Speller
from anytel.metrics.instruments import Instrument

__all__ = ["Labels", "Reference", "Vector", "same"]

Labels: TypeAlias = frozenset[tuple[str, str]]
Vector: TypeAlias = dict[Labels, float]
Samples: TypeAlias = dict[Labels, list[tuple[int, float]]]
"""Values by time in milliseconds."""
_LOOKBACK = 300_000
_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, ">": operator.gt, "<": operator.lt, ">=": operator.ge,
}  # fmt: skip
_FOLDED: Mapping[str, Callable[[list[float]], float]] = {
    "sum": math.fsum, "max": max, "min": min, "avg": lambda values: math.fsum(values) / len(values),
}  # fmt: skip


class Reference:
    """Answers queries from what it was given. *old* is a Prometheus before 3, which extrapolates in another order."""

    def __init__(self, labels: Labels, *, old: bool) -> None:
        self._labels, self._old = labels, old
        self._series: defaultdict[str, Samples] = defaultdict(dict)
        self.unseen: set[int] = set()

    def scraped(
        self, points: Iterable[Point], time: int, instruments: Mapping[str, Instrument], spell: Speller
    ) -> None:
        """Take the totals of one scrape."""
        for point in points:
            spelling = spell(instruments[point.series.name])
            tags = self._labels | {(spelling.tags[tag], value) for tag, value in point.series.tags}
            scale = spelling.multiply / spelling.divide if spelling.multiply != spelling.divide else 1.0
            if point.series.kind in ("distribution", "histogram"):
                running = 0
                for bound, count in zip((*spelling.bounds, "+Inf"), point.buckets, strict=True):
                    running += count
                    self.add(f"{spelling.name}_bucket", tags | {("le", bound)}, time, running)
                self.add(f"{spelling.name}_count", tags, time, point.count)
                self.add(f"{spelling.name}_sum", tags, time, point.value * scale)
            else:
                self.add(spelling.name, tags, time, point.value * scale)

    def add(self, name: str, labels: Labels, time: int, value: float) -> None:
        """Take one value."""
        self._series[name].setdefault(labels, []).append((time, value))

    def value(self, query: str, time: int) -> Vector:
        """Give the answer to an instant query."""
        found = self._of(parser.parse(query), time)
        return found if isinstance(found, dict) else {frozenset(): found}

    def _of(self, node: parser.Expr, time: int) -> Vector | float:
        if isinstance(node, parser.NumberLiteral):
            return float(node.val)
        if isinstance(node, parser.ParenExpr):
            return self._of(node.expr, time)
        if isinstance(node, parser.VectorSelector):
            found = self._read(node, time - _LOOKBACK, time)
            return {labels: values[-1][1] for labels, values in found if values}
        if isinstance(node, parser.AggregateExpr):
            return self._aggregated(node, time)
        if isinstance(node, parser.BinaryExpr):
            return self._binary(str(node.op), self._of(node.lhs, time), self._of(node.rhs, time))
        if isinstance(node, parser.Call):
            return self._called(node, time)
        raise NotImplementedError(type(node))

    def _read(self, node: parser.VectorSelector, start: int, end: int) -> list[tuple[Labels, list[tuple[int, float]]]]:
        found = []
        for labels, values in self._series[node.name].items():
            known = dict(labels)
            if all(_matches(one, known.get(one.name, "")) for one in node.matchers.matchers):
                found.append((labels, [one for one in values if start < one[0] <= end and one[0] not in self.unseen]))
        return found

    def _called(self, node: parser.Call, time: int) -> Vector | float:
        name = node.func.name
        if name == "vector":
            value = self._of(node.args[0], time)
            assert isinstance(value, float)
            return {frozenset(): value}
        if name == "histogram_quantile":
            share, buckets = (self._of(one, time) for one in node.args)
            assert isinstance(share, float)
            assert isinstance(buckets, dict)
            return _quantiles(share, buckets)
        (matrix,) = node.args
        start = time - int(matrix.range.total_seconds() * 1000)
        windows = self._read(matrix.vector_selector, start, time)
        if name == "sum_over_time":
            return {labels: math.fsum(value for _, value in values) for labels, values in windows if values}
        seconds = 1.0 if name == "increase" else (time - start) / 1000
        return {labels: self._increase(values, start, time) / seconds for labels, values in windows if len(values) > 1}

    def _increase(self, values: Sequence[tuple[int, float]], start: int, end: int) -> float:
        """Give the increase of a counter, extrapolated to the ends of the window, unless it began within it."""
        (first, low), (last, high) = values[0], values[-1]
        sampled, before, after = (last - first) / 1000, (first - start) / 1000, (end - last) / 1000
        grown, usual = high - low, sampled / (len(values) - 1)
        threshold = usual * 1.1
        zero = sampled * low / grown if grown > 0 else math.inf
        if self._old:
            before = min(before, zero)
            before = before if before < threshold else usual / 2
        else:
            before = min(before if before < threshold else usual / 2, zero)
        after = after if after < threshold else usual / 2
        return grown * (sampled + before + after) / sampled

    def _aggregated(self, node: parser.AggregateExpr, time: int) -> Vector:
        inner = self._of(node.expr, time)
        assert isinstance(inner, dict)
        kept = set(node.modifier.labels) if node.modifier is not None else set()
        groups: defaultdict[Labels, list[float]] = defaultdict(list)
        for labels, value in inner.items():
            groups[frozenset(one for one in labels if one[0] in kept)].append(value)
        return {labels: _FOLDED[str(node.op)](values) for labels, values in groups.items()}

    def _binary(self, sign: str, left: Vector | float, right: Vector | float) -> Vector | float:
        if sign == "or":
            assert isinstance(left, dict)
            assert isinstance(right, dict)
            return {**right, **left}
        if isinstance(left, float) and isinstance(right, float):
            return _calculated(sign, left, right)
        if isinstance(right, float):
            pairs = [(labels, value, right) for labels, value in left.items()]
        elif isinstance(left, float):
            pairs = [(labels, left, value) for labels, value in right.items()]
        else:
            pairs = [(labels, value, right[labels]) for labels, value in left.items() if labels in right]
        if sign in (">", "<", ">="):
            return {labels: one for labels, one, other in pairs if _calculated(sign, one, other)}
        return {labels: _calculated(sign, one, other) for labels, one, other in pairs}


def _calculated(sign: str, left: float, right: float) -> float:
    if sign == "/":
        return left / right if right else (math.nan if not left or math.isnan(left) else math.copysign(math.inf, left))
    return _ARITHMETIC[sign](left, right)


def _matches(matcher: parser.Matcher, value: str) -> bool:
    if matcher.op in (parser.MatchOp.Equal, parser.MatchOp.NotEqual):
        return (matcher.value == value) == (matcher.op == parser.MatchOp.Equal)
    return (re.fullmatch(matcher.value, value) is not None) == (matcher.op == parser.MatchOp.Re)


def _quantiles(share: float, buckets: Vector) -> Vector:
    groups: defaultdict[Labels, list[tuple[float, float]]] = defaultdict(list)
    for labels, count in buckets.items():
        bound = float(dict(labels)["le"])
        groups[frozenset(one for one in labels if one[0] != "le")].append((bound, count))
    return {labels: _quantile(share, sorted(found)) for labels, found in groups.items()}


def _quantile(share: float, buckets: Sequence[tuple[float, float]]) -> float:
    rank = share * buckets[-1][1]
    if not buckets[-1][1]:
        return math.nan
    place = next(number for number, (_, count) in enumerate(buckets) if count >= rank or number == len(buckets) - 1)
    if place == len(buckets) - 1:
        return buckets[-2][0]
    low, below = buckets[place - 1] if place else (0.0, 0.0)
    high, count = buckets[place]
    return low + (high - low) * (rank - below) / (count - below)


def same(one: float, other: float) -> bool:
    """Whether two numbers are one, but for the order in which they were added up."""
    return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
