"""What an alert says, as a template of Prometheus and as it will read."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from decimal import Decimal

from anytel.catalogue.alert import Alert
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Condition, Latency, Ratio, Stat
from anytel.catalogue.stats import stat_of
from anytel.catalogue.unusual import Change
from anytel.generate.prometheus.humanize import FORMATS, FOUR_DIGITS
from anytel.generate.promql import PromQL

__all__ = ["Message", "pieces", "plain", "said_without_threshold", "usual"]


class Message:
    """The annotations of one alert with a condition. *labels* are the labels of the tags that tell its values apart."""

    def __init__(self, catalogue: Catalogue, compiled: PromQL, alert: Alert, condition: Condition) -> None:
        self._alert, self._condition = alert, condition
        self._labels = compiled.labels(condition.expression)
        self._format = _format(catalogue, compiled, condition)
        self._threshold = FORMATS[self._format](float(Decimal(compiled.threshold(condition))))
        self._text = alert.message or usual(catalogue, condition)

    def template(self) -> tuple[str, str]:
        """Give summary and description with what Prometheus fills in."""
        return self._filled({tag: f"{{{{ $labels.{label} }}}}" for tag, label in self._labels.items()}, self._value)

    def rendered(self, tags: Mapping[str, str], value: float) -> tuple[str, str]:
        """Give them as they read for one value."""
        return self._filled(dict(tags), FORMATS[self._format](value))

    @property
    def _value(self) -> str:
        return f"{{{{ $value | {self._format} }}}}"

    def _filled(self, tags: Mapping[str, str], value: str) -> tuple[str, str]:
        told = ", ".join(f"{tag} {tags[tag]}" for tag in self._labels)
        known = {**tags, "value": value, "threshold": self._threshold}
        description = "".join(literal if name is None else known[name] for literal, name in pieces(self._text))
        return f"{self._alert.name}: {told}" if told else self._alert.name, description


def pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """Give the parts of a message: a text, or the name of what is filled in."""
    for literal, name, _, _ in string.Formatter().parse(text):
        if literal:
            yield plain(literal), None
        if name is not None:
            yield "", name


def plain(text: str) -> str:
    """Give a text in which no template of Prometheus begins."""
    return text.replace("{{", "{ {")


def said_without_threshold(text: str, labels: Mapping[str, str]) -> str:
    """Give the message of an alert that compares with no number, in which the value and the *labels* are known."""
    known = {tag: f"{{{{ $labels.{label} }}}}" for tag, label in labels.items()}
    return "".join(literal if name is None else known.get(name, "{{ $value }}") for literal, name in pieces(text))


def _format(catalogue: Catalogue, compiled: PromQL, condition: Condition) -> str:
    expression = condition.expression
    if isinstance(expression, Ratio | Latency | Change):
        return "humanizePercentage"
    if isinstance(expression, Stat):
        instrument = catalogue.instrument(expression)
        of_values = instrument.kind == "gauge" or stat_of(expression, instrument) not in ("rate", "increase")
        if of_values and compiled.unit(expression) == "seconds":
            return "humanizeDuration"
    return "humanize" if abs(Decimal(compiled.threshold(condition))) >= 1000 else FOUR_DIGITS


def usual(catalogue: Catalogue, condition: Condition) -> str:
    """Say what is compared, in words."""
    expression = condition.expression
    limit = f"is {{value}}; it alerts when that is {_WORDS[condition.operator]} {{threshold}}."
    if isinstance(expression, Stat):
        instrument = catalogue.instrument(expression)
        return f"{_what(stat_of(expression, instrument), instrument.name, expression.window)} {limit}"
    if isinstance(expression, Latency):
        return f"The share of {catalogue.instrument(expression.total).name} of at most {expression.le:g} {limit}"
    if isinstance(expression, Ratio):
        return f"The share of {catalogue.instrument(expression.total).name} that is {expression.share} {limit}"
    if isinstance(expression, Change):
        return f"The change since {expression.since} {limit}"
    return limit


def _what(word: str, name: str, window: str) -> str:
    return {"rate": f"{name} per second", "increase": f"{name} within {window}"}.get(word, f"{word} of {name}")


_WORDS = {">": "more than", ">=": "at least", "<": "less than", "<=": "at most"}
