"""Rules as data: dividing them among servers by what they read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from anytel.generate.queries import parse, selectors

__all__ = ["Groups", "Rule", "divide", "names_read"]

Rule: TypeAlias = Mapping[str, Any]
Groups: TypeAlias = Mapping[str, Any]
"""The content of a rule file."""


def divide(rules: Groups, chosen: Callable[[Rule], bool]) -> tuple[Groups, Groups]:
    """Give the rules that are not *chosen*, and those that are; groups stay as they are, unless nothing is left."""
    return _only(rules, lambda rule: not chosen(rule)), _only(rules, chosen)


def names_read(expr: str) -> set[str]:
    """Give the names of the series that a query reads; the empty one for a selector without a name."""
    return {selector.name for selector in selectors(parse(expr))}


def _only(rules: Groups, wanted: Callable[[Rule], bool]) -> Groups:
    groups = [{**group, "rules": [rule for rule in group["rules"] if wanted(rule)]} for group in rules["groups"]]
    return {"groups": [group for group in groups if group["rules"]]}
