"""What queries mean: units that do not agree, and functions on what they are not made for.

promtool accepts all of that. Where a value cannot be as large as what it is compared with, it is most often in another
unit: Prometheus has seconds and bytes, and a person thinks in milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import promql_parser as parser

from anytel.backend import Spelling
from anytel.catalogue.catalogue import Catalogue
from anytel.generate.checking.artefacts import Rule
from anytel.generate.checking.finding import Finding
from anytel.generate.queries import parse, selectors
from anytel.generate.spelling import speller

__all__ = ["meaning_checks"]

_COMPARISONS = (">", ">=", "<", "<=", "==")
_PARTS = r"(?:_total|_bucket|_sum|_count|_created)?"
_BASE = {
    "seconds": "milliseconds|microseconds|nanoseconds|minutes|hours|days|ms|us|ns",
    "bytes": "kilobytes|megabytes|gigabytes|kib|mib|gib|kb|mb|gb|bits",
}
_OTHER = {base: re.compile(rf".+_({units}){_PARTS}") for base, units in _BASE.items()}
_COUNTERS = ("rate", "irate", "increase")


def meaning_checks(rules: Sequence[Rule], catalogue: Catalogue | None) -> Iterator[Finding]:
    """Check all rules; *catalogue* says which metrics there are, as far as it is known."""
    declared = {} if catalogue is None else _declared(catalogue)
    for rule in rules:
        try:
            query = parse(rule.expr)
        except ValueError:
            continue  # told by the check of queries
        nodes = _nodes(query)
        wrong = {
            "units": [*_compared(nodes, declared), *_shown(rule, query)],
            "functions": [one for node in nodes if isinstance(node, parser.Call) for one in _applied(node, declared)],
        }
        for check, found in wrong.items():
            yield from [Finding(check, "failed", rule.path, f"{rule.name}: {one}") for one in dict.fromkeys(found)]
            if not found:
                yield Finding(check, "passed", rule.path)
        yield from [Finding("units", "noted", rule.path, f"{rule.name}: {one}") for one in _unusual(query, nodes)]


def _declared(catalogue: Catalogue) -> Mapping[str, Spelling]:
    spell = speller("prometheus")
    spellings = [spell(one) for one in catalogue.instruments.values()]
    return {name: one for one in spellings for name in one.series}


def _unusual(query: parser.Expr, nodes: Sequence[parser.Expr]) -> Iterator[str]:
    """Say what may be meant, and most often is not."""
    for name in sorted(_names(query)):
        for base, other in _OTHER.items():
            if found := other.fullmatch(name):
                yield f"{name} is in {found[1]}, and Prometheus' unit is {base}"
    if any(isinstance(node, parser.Call) and node.func.name == "irate" for node in nodes):
        yield "irate sees two samples only, and misses what was before them; use rate"


def _nodes(query: parser.Expr) -> list[parser.Expr]:
    found: list[parser.Expr] = []
    parser.walk(query, found.append)
    return found


def _bare(node: parser.Expr) -> parser.Expr:
    while isinstance(node, parser.ParenExpr):
        node = node.expr
    return node


def _compared(nodes: Sequence[parser.Expr], declared: Mapping[str, Spelling]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, parser.BinaryExpr) and _operator(node) in _COMPARISONS:
            value, limit = _bare(node.lhs), _number(node.rhs)
            if limit is not None:
                yield from _reached(value, limit, declared)


def _operator(node: parser.BinaryExpr) -> str:
    """Give the operator as it is written: the parser's own tokens cannot be compared."""
    left, whole, right = ("".join(one.prettify().split()) for one in (node.lhs, node, node.rhs))
    return whole[len(left) : len(whole) - len(right)].removesuffix("bool")


def _number(node: parser.Expr) -> float | None:
    node = _bare(node)
    if isinstance(node, parser.UnaryExpr):
        inner = _number(node.expr)
        return None if inner is None else -inner
    return node.val if isinstance(node, parser.NumberLiteral) else None


def _reached(value: parser.Expr, limit: float, declared: Mapping[str, Spelling]) -> Iterator[str]:
    """Say where a value is never as large as its limit."""
    if isinstance(value, parser.Call) and value.func.name == "histogram_quantile":
        for name in _names(value):
            spelling = declared.get(name)
            if spelling is not None and spelling.bounds and limit > float(spelling.bounds[-1]):
                unit = f" {spelling.unit}" if spelling.unit else ""
                most = f"{float(spelling.bounds[-1]):g}{unit}"
                yield f"a percentile of {name} is at most {most}, by its buckets, and compared with {limit:g}"
    elif _is_share(value) and not 0 <= limit <= 1:
        yield f"a share is from 0 to 1, and compared with {limit:g}"


def _is_share(value: parser.Expr) -> bool:
    """Whether it is one part of something by all of it: both read the same metric, and nothing is multiplied."""
    if not (isinstance(value, parser.BinaryExpr) and _operator(value) == "/"):
        return False
    part, whole = _names(value.lhs), _names(value.rhs)
    return len(whole) == 1 and part == whole


def _names(query: parser.Expr) -> set[str]:
    return {one.name for one in selectors(query)}


def _shown(rule: Rule, query: parser.Expr) -> Iterator[str]:
    """Say where a value is told in a unit that it does not have."""
    said = " ".join(map(str, (rule.data.get("annotations") or {}).values()))
    names = _names(query)
    if re.search(r"\$value\s*\|\s*humanizeDuration", said) and not any("seconds" in name for name in names):
        yield "its value is told as a duration, and nothing that it reads is in seconds"
    elif re.search(r"\$value\s*\|\s*humanizePercentage", said) and isinstance(query, parser.BinaryExpr):
        value = _bare(query.lhs)
        if isinstance(value, parser.Call) and value.func.name == "histogram_quantile":
            yield "its value is told as a percentage, and is a percentile of values"


def _applied(call: parser.Call, declared: Mapping[str, Spelling]) -> Iterator[str]:
    name, arguments = call.func.name, [_bare(one) for one in call.args]
    if name == "histogram_quantile":
        share = _number(arguments[0])
        if share is not None and not 0 <= share <= 1:
            yield f"histogram_quantile takes a share from 0 to 1, not {share:g}"
        buckets = all(one.endswith("_bucket") for one in _names(arguments[1]))
        if buckets and isinstance(arguments[1], parser.AggregateExpr) and not _keeps(arguments[1], "le"):
            yield "histogram_quantile needs the label le, which the aggregation in it drops"
    if name in _COUNTERS:
        if isinstance(arguments[0], parser.SubqueryExpr) and isinstance(_bare(arguments[0].expr), parser.AggregateExpr):
            yield f"{name} of an aggregation takes each restart of an instance for a reset of all: aggregate its result"
        for one in _names(arguments[0]):
            if (spelling := declared.get(one)) is not None and spelling.type == "gauge":
                yield f"{name} is for counters, and {one} is a gauge"


def _keeps(aggregation: parser.AggregateExpr, label: str) -> bool:
    modifier = aggregation.modifier
    if modifier is None:
        return False
    return (label in modifier.labels) == (modifier.type == parser.AggModifierType.By)
