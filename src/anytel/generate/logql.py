"""Compiles what is asked of log lines to LogQL, for lines as `anytel.logs` writes and the shipper labels them.

The service and the level are labels, with few values each; all else is a field of the line, in JSON. Ids are
structured metadata, and never tell streams apart. https://grafana.com/docs/loki/latest/query/
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files

from lark import Lark, UnexpectedEOF, UnexpectedInput

from anytel.catalogue.expressions import Condition
from anytel.catalogue.lines import Field, Lines
from anytel.generate.promql import number, quoted

__all__ = ["LABELS", "METADATA", "LogQL", "field", "read"]

LABELS = ("environment", "level", "service_name")
"""The labels of streams; ``service_name`` is the field ``service`` of a line."""
METADATA = ("span_id", "trace_id")
_NOT_IN_FIELD = re.compile(r"[^A-Za-z0-9_]")


class LogQL:
    """Compiles for one *service*."""

    def __init__(self, service: str) -> None:
        self._service = service

    def selected(self, lines: Lines) -> str:
        """Give the query for the lines themselves."""
        labels = [f"service_name={quoted(self._service)}"]
        if lines.level:
            labels.append(f"level={quoted(lines.level)}")
        wanted = {"event": (lines.event,), **lines.where} if lines.event else lines.where
        filters = [f"| {_filter(name, values)}" for name, values in wanted.items()]
        parsed = ["| json"] if filters or any(name not in LABELS for name in lines.by) else []
        return " ".join([f"{{{', '.join(labels)}}}", *parsed, *filters])

    def expression(self, lines: Lines) -> str:
        """Give the query for their number; without tags that tell values apart it is 0 where there are none."""
        by = f" by ({', '.join(map(field, lines.by))}) " if lines.by else ""
        counted = f"sum{by}(count_over_time({self.selected(lines)} [{lines.window}]))"
        return counted if by else f"({counted} or vector(0))"

    def condition(self, condition: Condition) -> str:
        """Give the query that has a value exactly where *condition*, on a number of lines, holds."""
        if not isinstance(condition.expression, Lines):
            raise TypeError(f"{type(condition.expression).__name__} has no LogQL")
        return (
            f"{self.expression(condition.expression)} {condition.operator} {number(Decimal(str(condition.threshold)))}"
        )


def field(name: str) -> str:
    """Give the name that Loki's parser of JSON makes of a field's: ``http.route`` is ``http_route``."""
    text = _NOT_IN_FIELD.sub("_", name)
    return f"_{text}" if text[:1].isdigit() else text


def _filter(name: str, values: Sequence[Field]) -> str:
    texts = [_text(one) for one in values]
    if len(texts) == 1 and "*" not in texts[0]:
        return f"{field(name)}={quoted(texts[0])}"
    pattern = "|".join(".*".join(map(re.escape, one.split("*"))) if one != "*" else ".+" for one in texts)
    return f"{field(name)}=~{quoted(pattern)}"


def _text(value: Field) -> str:
    """Give a value as it stands in JSON, and without quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else number(Decimal(str(value)))


def read(query: str) -> None:
    """Read a query by the grammar in ``logql.lark``.

    Raises:
        ValueError: It is no LogQL; the message says where it ceases to be.
    """
    try:
        _parser().parse(query)
    except UnexpectedEOF:
        raise ValueError("it ends too early") from None
    except UnexpectedInput as exc:
        at = exc.pos_in_stream or 0
        raise ValueError(f"unexpected {query[at : at + 12]!r} at character {at + 1}") from None


@cache
def _parser() -> Lark:
    return Lark(
        files(__package__).joinpath("logql.lark").read_text(encoding="utf-8"), parser="earley", ambiguity="resolve"
    )
