"""Queries: Datadog's language for metrics and for monitors, read into a tree.

Its API client takes any text for a query, so that a mistake is seen only by the server. The grammar is in
``query.lark``; what it cannot say is checked in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

from lark import Lark, Token, Transformer, UnexpectedEOF, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

__all__ = [
    "Argument",
    "Binary",
    "Call",
    "Change",
    "Expression",
    "Method",
    "MetricQuery",
    "Monitor",
    "Number",
    "Scope",
    "SloMonitor",
    "Tag",
    "Window",
    "parse_monitor",
    "parse_query",
    "queries",
]


@dataclass(frozen=True, slots=True)
class Tag:
    """A condition on a tag; ``value`` is None where it has only to be there, or is a template variable."""

    key: str
    value: str | None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Which series: the *tags* that are asked for, and whether it is written with symbols, with words, or both."""

    tags: tuple[Tag, ...] = ()
    symbols: bool = False
    words: bool = False


@dataclass(frozen=True, slots=True)
class Argument:
    """A value, a quoted one without its quotes, and its name, where it has one."""

    value: str | float
    name: str = ""
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """``.rollup(sum, 60)`` and the like."""

    name: str
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """``sum:name{scope} by {tags}.as_count()``. Without an *aggregator* it is the average."""

    aggregator: str
    metric: str
    scope: Scope
    by: tuple[str, ...] = ()
    methods: tuple[Method, ...] = ()

    @property
    def percentile(self) -> bool:
        """Whether it asks for what only a distribution with percentiles has."""
        return self.aggregator.startswith("count(") or (self.aggregator[:1] == "p" and self.aggregator[1:2].isdigit())


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Binary:
    """Two expressions with ``+``, ``-``, ``*`` or ``/`` between."""

    left: Expression
    operator: str
    right: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """A function of an *expression*."""

    name: str
    expression: Expression
    arguments: tuple[Argument, ...] = ()


Expression: TypeAlias = MetricQuery | Number | Binary | Call


@dataclass(frozen=True, slots=True)
class Window:
    """``avg(last_5m)``."""

    aggregator: str
    span: str


@dataclass(frozen=True, slots=True)
class Change:
    """``pct_change(avg(last_5m),last_1h)``: what has changed since *ago*."""

    kind: str
    window: Window
    ago: str


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitor on metrics."""

    window: Window | Change
    expression: Expression
    comparator: str
    threshold: float


@dataclass(frozen=True, slots=True)
class SloMonitor:
    """A monitor on an objective: ``burn_rate`` or ``error_budget``, and its *steps*, such as ``over``."""

    kind: str
    slo: str
    steps: tuple[tuple[str, str], ...]
    comparator: str
    threshold: float


def parse_query(text: str) -> Expression:
    """Read a query, as a widget has it.

    Raises:
        ValueError: It is none; the message says where it ceases to be one.
    """
    found: Expression = _parse(text, "expression")
    return found


def parse_monitor(text: str) -> Monitor | SloMonitor:
    """Read the query of a monitor.

    Raises:
        ValueError: It is none; the message says where it ceases to be one.
    """
    found: Monitor | SloMonitor = _parse(text, "monitor")
    return found


def queries(expression: Expression) -> Iterator[MetricQuery]:
    """Give the queries of metrics that an expression is made of."""
    if isinstance(expression, MetricQuery):
        yield expression
    elif isinstance(expression, Binary):
        yield from queries(expression.left)
        yield from queries(expression.right)
    elif isinstance(expression, Call):
        yield from queries(expression.expression)


@cache
def _parser(start: str) -> Lark:
    text = files(__package__).joinpath("query.lark").read_text(encoding="utf-8")
    return Lark(text, start=start, parser="lalr", maybe_placeholders=True)


def _parse(text: str, start: str) -> Any:
    try:
        return _Tree().transform(_parser(start).parse(text))
    except UnexpectedInput as exc:
        raise ValueError(_told(text, exc)) from None
    except VisitError as exc:
        raise ValueError(str(exc.orig_exc)) from None


def _told(text: str, exc: UnexpectedInput) -> str:
    if isinstance(exc, UnexpectedEOF) or (isinstance(exc, UnexpectedToken) and exc.token.type == "$END"):
        return "it ends too early"
    at = exc.pos_in_stream or 0
    return f"unexpected {text[at : at + 12]!r} at character {at + 1}"


class _Tree(Transformer[Token, Any]):
    """Makes the tree of ours out of lark's. Each method is named after a rule."""

    def monitor(self, parts: Sequence[Any]) -> Monitor:
        window, expression, comparator, threshold = parts
        return Monitor(window, expression, str(comparator), threshold)

    def slo_monitor(self, parts: Sequence[Any]) -> SloMonitor:
        (kind, slo, steps), comparator, threshold = parts
        return SloMonitor(kind, slo, steps, str(comparator), threshold)

    def slo(self, parts: Sequence[Any]) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        return str(parts[0]), _unquoted(parts[1]), tuple(parts[2:])

    def step(self, parts: Sequence[Token]) -> tuple[str, str]:
        return str(parts[0]), _unquoted(parts[1])

    def window(self, parts: Sequence[Token]) -> Window:
        return Window(str(parts[0]), str(parts[1]))

    def change(self, parts: Sequence[Token]) -> Change:
        kind, aggregator, span, ago = map(str, parts)
        return Change(kind, Window(aggregator, span), ago)

    def binary(self, parts: Sequence[Any]) -> Binary:
        left, operator, right = parts
        return Binary(left, str(operator), right)

    def negative(self, parts: Sequence[Any]) -> Binary:
        return Binary(Number(0.0), "-", parts[1])

    def number(self, parts: Sequence[Token]) -> Number:
        return Number(float(parts[0]))

    def threshold(self, parts: Sequence[Any]) -> float:
        sign, number = parts
        return -number.value if sign else float(number.value)

    signed = threshold

    def query(self, parts: Sequence[Any]) -> MetricQuery:
        aggregator, metric, scope, by, *methods = parts
        return MetricQuery(aggregator or "", str(metric), scope, by or (), tuple(methods))

    def aggregator(self, parts: Sequence[Token]) -> str:
        return str(parts[0])

    def names(self, parts: Sequence[Token]) -> tuple[str, ...]:
        return tuple(map(str, parts))

    def method(self, parts: Sequence[Any]) -> Method:
        return Method(str(parts[0]), tuple(one for one in parts[1:] if one is not None))

    def call(self, parts: Sequence[Any]) -> Call:
        name, expression, *arguments = parts
        return Call(str(name), expression, tuple(arguments))

    def argument(self, parts: Sequence[Any]) -> Argument:
        name, value = parts
        if isinstance(value, Token) and value.type == "STRING":
            return Argument(_unquoted(value), str(name or ""), quoted=True)
        return Argument(value if isinstance(value, float) else str(value), str(name or ""))

    def value(self, parts: Sequence[Any]) -> Any:
        return parts[0]

    def everything(self, parts: Sequence[Token]) -> Scope:
        return Scope()

    def tag(self, parts: Sequence[Token]) -> Scope:
        return Scope((_tag(parts[0]),))

    def among(self, parts: Sequence[Any]) -> Scope:
        key, negated, _, *values = parts
        return Scope(tuple(Tag(str(key), str(one), negated is not None) for one in values), words=True)

    def negated(self, parts: Sequence[Any]) -> Scope:
        sign, scope = parts
        tags = tuple(Tag(one.key, one.value, not one.negated) for one in scope.tags)
        return Scope(tags, scope.symbols or sign.type == "BANG", scope.words or sign.type == "NOT")

    def both(self, parts: Sequence[Any]) -> Scope:
        return _joined(parts)

    def either(self, parts: Sequence[Any]) -> Scope:
        return _joined(parts)


def _joined(parts: Sequence[Any]) -> Scope:
    scopes = [one for one in parts if isinstance(one, Scope)]
    signs = {one.type for one in parts if isinstance(one, Token)}
    return Scope(
        tuple(tag for one in scopes for tag in one.tags),
        any(one.symbols for one in scopes) or "COMMA" in signs,
        any(one.words for one in scopes) or bool(signs & {"AND", "OR"}),
    )


def _tag(token: Token) -> Tag:
    key, colon, value = str(token).partition(":")
    return Tag(key, value if colon else None)


def _unquoted(token: Token) -> str:
    return str(token)[1:-1]
