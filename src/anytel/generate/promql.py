"""Compiles expressions to PromQL, in the names that an exposition of ours has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Condition, Expression, Latency, Ratio, Raw, Stat
from anytel.catalogue.matchers import Pattern, matchers
from anytel.catalogue.stats import percentile, stat_of
from anytel.generate.spelling import Speller
from anytel.metrics.instruments import Instrument

__all__ = ["PromQL", "number", "quoted"]


class PromQL:
    """Compiles for one catalogue.

    *scope* are labels that every series has to have, such as its job: other services have metrics of the same names.
    *window* stands for all windows, as Grafana's ``$__rate_interval`` does in panels. *narrowed* are more matchers, as
    PromQL has them: ``cluster=~"$cluster"``.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        spell: Speller,
        scope: Mapping[str, str] = MappingProxyType({}),
        window: str = "",
        narrowed: Iterable[str] = (),
    ) -> None:
        self._catalogue, self._spell, self._window = catalogue, spell, window
        self._scope = [f"{label}={quoted(value)}" for label, value in scope.items()] + list(narrowed)

    def expression(self, expression: Expression) -> str:
        """Give the query for the value of *expression*; empty for a `Raw` one that has none in PromQL."""
        if isinstance(expression, Raw):
            return expression.promql.strip()
        if isinstance(expression, Ratio):
            part, total = self.expression(expression.part), self.expression(expression.total)
            return f"({part} or 0 * {total}) / ({total} > 0)"
        if isinstance(expression, Latency):
            return f"{self.within(expression)} / ({self.expression(expression.total)} > 0)"
        if isinstance(expression, Stat):
            return self._stat(expression)
        raise TypeError(f"{type(expression).__name__} has no PromQL")

    def condition(self, condition: Condition | Raw) -> str:
        """Give the query that has a value exactly where *condition* holds."""
        if isinstance(condition, Raw):
            return condition.promql.strip()
        return f"{self.expression(condition.expression)} {condition.operator} {self.threshold(condition)}"

    def threshold(self, condition: Condition) -> str:
        """Give the number that a condition compares with, in Prometheus' unit."""
        value = Decimal(str(condition.threshold))
        expression = condition.expression
        if isinstance(expression, Stat):
            instrument = self._catalogue.instrument(expression)
            samples = instrument.kind in ("distribution", "histogram")
            if not (samples and stat_of(expression, instrument) in ("rate", "increase")):
                spelling = self._spell(instrument)
                value = value * spelling.multiply / spelling.divide
        return number(value)

    def events(self, sli: Ratio | Latency) -> str:
        """Give how many events an indicator has per second."""
        return self.expression(sli.total)

    def errors(self, sli: Ratio | Latency) -> str:
        """Give how many of them are bad: 0 also where no bad one was ever counted, and its series does not exist."""
        total = self.events(sli)
        if isinstance(sli, Latency):
            return f"({total} - {self.within(sli)})"
        part = f"({self.expression(sli.part)} or 0 * {total})"
        return f"({total} - {part})" if sli.share == "good" else part

    def within(self, latency: Latency) -> str:
        """Give the rate of those values that are at most a latency's limit."""
        instrument = self._catalogue.instrument(latency.total)
        spelling = self._spell(instrument)
        bound = spelling.bounds[instrument.bounds.index(float(latency.le))]
        name = f"{spelling.name}_bucket"
        return self._sum(latency.total, f"rate({self._selector(latency.total, name, le=bound)}[{self._of(latency)}])")

    def selector(self, stat: Stat) -> str:
        """Give the selector of the series that *stat* reads; of a histogram, of its numbers of values."""
        instrument = self._catalogue.instrument(stat)
        name = self._spell(instrument).name
        return self._selector(stat, f"{name}_count" if instrument.kind in ("distribution", "histogram") else name)

    def buckets(self, stat: Stat) -> str:
        """Give the increase of each bucket of a histogram within the window, for a heatmap."""
        name = self._spell(self._catalogue.instrument(stat)).name
        return self._sum(stat, f"increase({self._selector(stat, f'{name}_bucket')}[{self._of(stat)}])", "le")

    def labels(self, expression: Expression) -> dict[str, str]:
        """Give the labels of the tags that tell the values of *expression* apart."""
        stats = [one for one in expression.walk() if isinstance(one, Stat)]
        return {tag: self._label(stats[0], tag) for tag in expression.by} if stats else {}

    def unit(self, stat: Stat) -> str:
        """Give Prometheus' word for the unit of a stat's values."""
        return self._spell(self._catalogue.instrument(stat)).unit

    def _stat(self, stat: Stat) -> str:
        instrument = self._catalogue.instrument(stat)
        name, word, window = self._spell(instrument).name, stat_of(stat, instrument), self._of(stat)
        if instrument.kind in ("gauge", "set"):
            return f"{word}{self._by(stat)}({self._selector(stat, name)})"
        if instrument.kind == "count":
            return self._sum(stat, f"{word}({self._selector(stat, name)}[{window}])")
        if word in ("rate", "increase"):
            return self._sum(stat, f"{word}({self._selector(stat, f'{name}_count')}[{window}])")
        if word == "avg":
            total, count = (self._rate(stat, f"{name}_{part}") for part in ("sum", "count"))
            return f"{total} / ({count} > 0)"
        buckets = f"rate({self._selector(stat, f'{name}_bucket')}[{window}])"
        return f"histogram_quantile({number((percentile(word) or Decimal(0)) / 100)}, {self._sum(stat, buckets, 'le')})"

    def _rate(self, stat: Stat, name: str) -> str:
        return self._sum(stat, f"rate({self._selector(stat, name)}[{self._of(stat)}])")

    def _sum(self, stat: Stat, inner: str, *more: str) -> str:
        return f"sum{self._by(stat, *more)}({inner})"

    def _by(self, stat: Stat, *more: str) -> str:
        labels = [*more, *(self._label(stat, tag) for tag in stat.by)]
        return f" by ({', '.join(labels)}) " if labels else ""

    def _label(self, stat: Stat, tag: str) -> str:
        return self._spell(self._catalogue.instrument(stat)).tags[tag]

    def _of(self, expression: Expression) -> str:
        return self._window or expression.window

    def _selector(self, stat: Stat, name: str, **more: str) -> str:
        instrument = self._catalogue.instrument(stat)
        pairs = [*self._scope]
        pairs += [_matcher(instrument, self._label(stat, tag), tag, stat.where) for tag in sorted(stat.where)]
        pairs += [f"{label}={quoted(value)}" for label, value in more.items()]
        return f"{name}{{{','.join(pairs)}}}" if pairs else name


def _matcher(instrument: Instrument, label: str, tag: str, where: Mapping[str, object]) -> str:
    found = matchers(instrument, tag, where[tag])
    if len(found.patterns) == 1 and not found.patterns[0].wild:
        return f"{label}{'!=' if found.negated else '='}{quoted(found.patterns[0].text)}"
    return f"{label}{'!~' if found.negated else '=~'}{quoted('|'.join(map(_regex, found.patterns)))}"


def _regex(pattern: Pattern) -> str:
    if not pattern.wild:
        return re.escape(pattern.text)
    return ".+" if pattern.text == "*" else ".*".join(map(re.escape, pattern.text.split("*")))


def quoted(text: str) -> str:
    """Write *text* as a string of PromQL."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def number(value: Decimal) -> str:
    """Write a number without an exponent and without zeros at its end."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def joined(parts: Iterable[str], word: str) -> str:
    """Join conditions by ``and`` or ``or``."""
    return f" {word} ".join(f"({part})" for part in parts)
