"""Compiles expressions to Datadog's queries, in the names that our Datadog backend gives to metrics.

Shares are in percent there, as Datadog shows them; all else is in the unit of the metric.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Expression, Latency, Ratio, Raw, Stat
from anytel.catalogue.lines import Lines
from anytel.catalogue.matchers import Matched, matchers
from anytel.catalogue.stats import percentile, stat_of
from anytel.catalogue.unusual import Anomaly, Change
from anytel.generate.promql import number
from anytel.generate.spelling import Speller
from anytel.metrics.instruments import Instrument

__all__ = ["DatadogQL", "UnsaidError", "tag_value"]

_NOT_IN_TAG = re.compile(r"[^\w\-:./*]")


class UnsaidError(Exception):
    """What Datadog cannot be asked, and why."""


class DatadogQL:
    """Compiles for one catalogue.

    *scope* are tags that every series has to have, ``service:shop``; *by* are tags that tell all values apart besides
    their own, such as the cluster that each host has as a tag. Both are written as Datadog does.
    """

    def __init__(self, catalogue: Catalogue, spell: Speller, scope: Sequence[str] = (), by: Sequence[str] = ()) -> None:
        self._catalogue, self._spell, self._scope, self._by = catalogue, spell, scope, by

    def expression(self, expression: Expression) -> str:
        """Give the query for the value of *expression*.

        Raises:
            UnsaidError: There is no such query.
        """
        template, queries = self.formula(expression)
        return template.format(*queries)

    def formula(self, expression: Expression) -> tuple[str, list[str]]:
        """Give what is computed, with ``{0}``, ``{1}`` for the queries that follow, each of one metric.

        Raises:
            UnsaidError: There is no such query.
        """
        if isinstance(expression, Raw):
            if not expression.datadog:
                raise UnsaidError("it is a query in another vendor's words")
            return "{0}", [expression.datadog.strip()]
        if isinstance(expression, Ratio):
            return "100 * default_zero({0}) / {1}", [self.counted(expression.part), self.counted(expression.total)]
        if isinstance(expression, Latency):
            return "100 * {0} / {1}", [self.within(expression), self.counted(expression.total)]
        if isinstance(expression, Stat):
            return "{0}", [self._stat(expression)]
        if isinstance(expression, Change):
            template, queries = self.formula(expression.of)
            shifted = (f"timeshift({{{place}}}, -{seconds(expression.since)})" for place in range(len(queries)))
            then = template.format(*shifted)
            return f"100 * (({template}) / ({then}) - 1)", queries
        if isinstance(expression, Anomaly):
            template, queries = self.formula(expression.of)
            return (
                f"anomalies({template}, '{expression.algorithm}', {number(Decimal(str(expression.bounds)))})",
                queries,
            )
        if isinstance(expression, Lines):
            raise UnsaidError("log lines are counted by Loki")
        raise TypeError(f"{type(expression).__name__} has no query of Datadog")

    def good(self, sli: Ratio | Latency) -> str:
        """Give the query that counts the good events of an indicator."""
        if isinstance(sli, Latency):
            return self.within(sli)
        if sli.share == "good":
            return self.counted(sli.part)
        opposite = self._opposite(sli)
        return opposite or f"{self.events(sli)} - default_zero({self.counted(sli.part)})"

    def events(self, sli: Ratio | Latency) -> str:
        """Give the query that counts all events of an indicator."""
        return self.counted(sli.total)

    def within(self, latency: Latency) -> str:
        """Give the query that counts the values that are at most a latency's limit.

        Raises:
            UnsaidError: The metric is no distribution.
        """
        instrument = self._catalogue.instrument(latency.total)
        self._need_distribution(instrument, "how many of its values are below a limit")
        selected = self._selected(latency.total, self._spell(instrument).name)
        return f"count(v: v<={latency.le:g}):{selected}.as_count()"

    def groups(self, expression: Expression) -> list[str]:
        """Give the tags that tell the values of *expression* apart, as Datadog has them."""
        stat = next((one for one in expression.walk() if isinstance(one, Stat)), None)
        own = [self._spell(self._catalogue.instrument(stat)).tags[tag] for tag in expression.by] if stat else []
        return list(dict.fromkeys([*own, *(self._by if stat else ())]))

    def counted(self, stat: Stat) -> str:
        """Give the query for a stat, of events for their number, whatever rate it was declared as."""
        query = self._stat(stat)
        return query.removesuffix(".as_rate()") + ".as_count()" if query.endswith(".as_rate()") else query

    def _stat(self, stat: Stat) -> str:
        instrument = self._catalogue.instrument(stat)
        name, word = self._spell(instrument).name, stat_of(stat, instrument)
        method = {"rate": ".as_rate()", "increase": ".as_count()"}.get(word, "")
        if instrument.kind == "count":
            return f"sum:{self._selected(stat, name)}{method}"
        if instrument.kind in ("gauge", "set"):
            return f"{word or 'avg'}:{self._selected(stat, name)}"
        if method and instrument.kind == "histogram":
            return f"sum:{self._selected(stat, f'{name}.count')}{method}"
        if method:
            return f"count:{self._selected(stat, name)}{method}"
        self._need_distribution(instrument, word if percentile(word) is not None else "the average")
        return f"{word}:{self._selected(stat, name)}"

    def _need_distribution(self, instrument: Instrument, wanted: str) -> None:
        if instrument.kind == "histogram":
            raise UnsaidError(
                f"{instrument.name} is a histogram, which Datadog's agent aggregates for each host; only a "
                f"distribution has {wanted} over all of them"
            )

    def _opposite(self, ratio: Ratio) -> str:
        """Give the query for the rest of the total, where one more tag tells the part; else none."""
        part, total = ratio.part, ratio.total
        more = [tag for tag in part.where if tag not in total.where]
        same = all(part.where.get(tag) == given for tag, given in total.where.items())
        if part.instrument is not total.instrument or len(more) != 1 or not same:
            return ""
        told = matchers(self._catalogue.instrument(part), more[0], part.where[more[0]])
        others = [f"{'' if told.negated else '!'}{pattern.text}" for pattern in told.patterns]
        where = {**total.where, more[0]: others}
        return self.counted(Stat(total.instrument, total.stat, by=total.by, where=where, window=total.window))

    def _selected(self, stat: Stat, name: str) -> str:
        instrument = self._catalogue.instrument(stat)
        tags = self._spell(instrument).tags
        found = [(tags[tag], matchers(instrument, tag, stat.where[tag])) for tag in sorted(stat.where)]
        groups = self.groups(stat)
        return f"{name}{{{_scope(self._scope, found)}}}" + (f" by {{{','.join(groups)}}}" if groups else "")


def tag_value(text: str) -> str:
    """Give a value of a tag as Datadog keeps it: in lower case, and ``_`` for what it does not allow."""
    return _NOT_IN_TAG.sub("_", text.lower())


def _scope(always: Sequence[str], found: Sequence[tuple[str, Matched]]) -> str:
    """Write a scope: with symbols, unless a tag has several values, which only words can say."""
    if all(len(one.patterns) == 1 for _, one in found):
        texts = [*always, *(f"{'!' if one.negated else ''}{tag}:{_values(one)[0]}" for tag, one in found)]
        return ",".join(texts) or "*"
    return " AND ".join([*always, *_words(found)])


def _words(found: Iterable[tuple[str, Matched]]) -> Iterator[str]:
    for tag, one in found:
        values = _values(one)
        if len(values) == 1:
            yield f"{'NOT ' if one.negated else ''}{tag}:{values[0]}"
        elif any("*" in value for value in values):
            yield f"{'NOT ' if one.negated else ''}({' OR '.join(f'{tag}:{value}' for value in values)})"
        else:
            yield f"{tag} {'NOT ' if one.negated else ''}IN ({','.join(values)})"


def _values(one: Matched) -> list[str]:
    return [tag_value(pattern.text if pattern.wild else pattern.text.replace("*", "_")) for pattern in one.patterns]
