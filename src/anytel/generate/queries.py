"""Queries: PromQL read back, to see what it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import promql_parser as parser

__all__ = ["Matcher", "Selector", "grouped_by", "is_selector", "looks_back", "parse", "rates_over", "selectors"]


class Matcher(NamedTuple):
    """One condition on a label; *operator* is ``=``, ``!=``, ``=~`` or ``!~``."""

    label: str
    operator: str
    value: str


class Selector(NamedTuple):
    """Which series a query reads; *name* is empty where it is asked for by a matcher."""

    name: str
    matchers: tuple[Matcher, ...]

    def __str__(self) -> str:
        pairs = ",".join(f"{one.label}{one.operator}{_quoted(one.value)}" for one in self.matchers)
        return f"{self.name}{{{pairs}}}" if pairs else self.name


_OPERATORS = (
    (parser.MatchOp.Equal, "="),
    (parser.MatchOp.NotEqual, "!="),
    (parser.MatchOp.Re, "=~"),
    (parser.MatchOp.NotRe, "!~"),
)


def parse(query: str) -> parser.Expr:
    """Read a query.

    Raises:
        ValueError: It is no PromQL; the message says why.
    """
    found: parser.Expr = parser.parse(query)
    return found


def is_selector(expression: parser.Expr) -> bool:
    """Whether a query only selects series, as of now: nothing is computed, and nothing looked back on."""
    if not isinstance(expression, parser.VectorSelector):
        return False
    return expression.offset is None and expression.at is None


def selectors(expression: parser.Expr) -> list[Selector]:
    """Give all selectors of a query, in their order, each once."""
    found: dict[Selector, None] = {}

    def visit(node: parser.Expr) -> None:
        if isinstance(node, parser.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, parser.VectorSelector):
            found[_selector(node)] = None

    parser.walk(expression, visit)
    return list(found)


def looks_back(expression: parser.Expr) -> float:
    """Give the longest window of a query, in seconds."""
    found: list[float] = [0.0]

    def visit(node: parser.Expr) -> None:
        if isinstance(node, parser.MatrixSelector | parser.SubqueryExpr) and node.range is not None:
            found.append(node.range.total_seconds())

    parser.walk(expression, visit)
    return max(found)


_OF_COUNTERS = ("rate", "irate", "increase")


def rates_over(expression: parser.Expr) -> list[float]:
    """Give the windows, in seconds, of the rates of a query that are of samples as they were scraped."""
    found: list[float] = []

    def visit(node: parser.Expr) -> None:
        if isinstance(node, parser.Call) and node.func.name in _OF_COUNTERS:
            found.extend(one.range.total_seconds() for one in node.args if isinstance(one, parser.MatrixSelector))

    parser.walk(expression, visit)
    return found


def grouped_by(expression: parser.Expr) -> list[str]:
    """Give the labels that a query groups by."""
    found: list[str] = []

    def visit(node: parser.Expr) -> None:
        modifier = node.modifier if isinstance(node, parser.AggregateExpr) else None
        if modifier is not None and modifier.type == parser.AggModifierType.By:
            found.extend(modifier.labels)

    parser.walk(expression, visit)
    return found


def _selector(node: parser.VectorSelector) -> Selector:
    matchers: Sequence[parser.Matcher] = node.matchers.matchers
    return Selector(node.name or "", tuple(Matcher(one.name, _operator(one.op), one.value) for one in matchers))


def _operator(given: parser.MatchOp) -> str:
    return next(text for operator, text in _OPERATORS if operator == given)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
