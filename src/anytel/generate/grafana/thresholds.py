"""Thresholds: the values from which on something is good, wants attention or is bad, as declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from anytel.catalogue.alert import Severity
from anytel.catalogue.burn import burns
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Condition, Expression
from anytel.catalogue.slo import SLO
from anytel.catalogue.style import Style
from anytel.generate.grafana.source import Data
from anytel.generate.promql import PromQL

__all__ = ["COLOURS", "Limit", "burning", "kept", "left", "limits_of", "steps", "success"]

COLOURS: Mapping[Severity, str] = {"critical": "red", "warning": "orange", "info": "yellow"}
GOOD = "green"


class Limit(NamedTuple):
    """Beyond *value*, which is above it where *upwards*, a value has that *colour*."""

    value: float
    colour: str
    upwards: bool


def limits_of(catalogue: Catalogue, compiled: PromQL, expression: Expression) -> list[Limit]:
    """Give the limits that alerts watch of exactly this *expression*, in Prometheus' unit."""
    wanted = compiled.expression(expression)
    return [
        Limit(float(compiled.threshold(condition)), COLOURS[alert.severity], condition.operator.startswith(">"))
        for alert in catalogue.alerts
        if isinstance(condition := alert.condition, Condition) and compiled.expression(condition.expression) == wanted
    ]


def steps(limits: Sequence[Limit], style: Style) -> Data:
    """Give the thresholds of a panel: those of its *style*, else its *limits*. Between all of them it is good."""
    if style.thresholds:
        given = sorted((value, colour) for colour, value in style.thresholds.items())
        base = GOOD if GOOD not in style.thresholds else "red"
        return _written([(None, base), *given])
    low = sorted((one for one in limits if not one.upwards), key=lambda one: one.value)
    high = sorted((one for one in limits if one.upwards), key=lambda one: one.value)
    made: list[tuple[float | None, str]] = [(None, low[0].colour if low else GOOD)]
    made += [(one.value, after.colour) for one, after in pairwise(low)]
    made += [(low[-1].value, GOOD)] if low else []
    made += [(one.value, one.colour) for one in high if not low or one.value > low[-1].value]
    return _written(made)


def success(slo: SLO) -> Data:
    """Give those of the share of good events: red where it burns so fast that somebody is woken up."""
    fastest = max(float(one.threshold(slo.budget)) for one in burns(slo.window))
    pages = round(1 - fastest, 9)
    return _written([(None, "red"), (pages, "yellow"), (float(slo.objective), GOOD)])


def kept(slo: SLO) -> Data:
    """Give those of the share of good events over the whole window: the objective is kept, or not."""
    return _written([(None, "red"), (float(slo.objective), GOOD)])


def burning(slo: SLO) -> Data:
    """Give those of the share of bad events: from where on each severity is told, and nobody below."""
    least: dict[str, float] = {}
    for one in burns(slo.window):
        value = round(float(one.threshold(slo.budget)), 12)
        least[COLOURS[one.severity]] = min(value, least.get(COLOURS[one.severity], value))
    return _written([(None, GOOD), *sorted((value, colour) for colour, value in least.items())])


def left() -> Data:
    """Give those of what is left of an error budget: nothing is red, a quarter is worth a look."""
    return _written([(None, "red"), (0.0, "yellow"), (0.25, GOOD)])


def _written(given: Iterable[tuple[float | None, str]]) -> Data:
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in given]}
