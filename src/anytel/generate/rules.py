"""Rules as data: what they read, and dividing them among servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import promql_parser

__all__ = ["Groups", "Rule", "divide", "looks_back", "names_read"]

Rule: TypeAlias = Mapping[str, Any]
Groups: TypeAlias = Mapping[str, Any]
"""The content of a rule file."""


def divide(rules: Groups, chosen: Callable[[Rule], bool]) -> tuple[Groups, Groups]:
    """Give the rules that are not *chosen*, and those that are; groups stay as they are, unless nothing is left."""
    return _only(rules, lambda rule: not chosen(rule)), _only(rules, chosen)


def names_read(expr: str) -> set[str]:
    """Give the names of the series that a query reads; the empty one for a selector without a name."""
    return {node.name or "" for node in _nodes(expr) if isinstance(node, promql_parser.VectorSelector)}


def looks_back(expr: str) -> float:
    """Give the seconds that a query looks back at most."""
    windowed = promql_parser.MatrixSelector | promql_parser.SubqueryExpr
    ranges = [node.range for node in _nodes(expr) if isinstance(node, windowed)]
    return max((one.total_seconds() for one in ranges if one), default=0.0)


def _only(rules: Groups, wanted: Callable[[Rule], bool]) -> Groups:
    groups = [{**group, "rules": [rule for rule in group["rules"] if wanted(rule)]} for group in rules["groups"]]
    return {"groups": [group for group in groups if group["rules"]]}


def _nodes(expr: str) -> list[promql_parser.Expr]:
    found: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(expr), found.append)
    return found
