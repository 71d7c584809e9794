"""What a monitor watches: the query of an alert, and the numbers it is compared with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from anytel.catalogue.alert import Alert
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Condition, Expression, Latency, Ratio, Raw, Stat
from anytel.catalogue.stats import percentile, stat_of
from anytel.catalogue.unusual import Anomaly, Change
from anytel.generate.datadog.ql import DatadogQL, UnsaidError
from anytel.generate.datadog.query import Monitor, parse_monitor
from anytel.generate.promql import number

__all__ = ["Watched", "percent", "span", "watched"]

_HOURS = 3600
_STEPS = (("d", 86_400), ("h", _HOURS), ("m", 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The *query* without the number that it is compared with, how that is done, and with which number."""

    query: str
    comparator: str
    threshold: Decimal
    window: int
    recovery: Decimal | None = None
    trigger: str = ""
    recover: str = ""

    @property
    def text(self) -> str:
        """The whole query."""
        return f"{self.query} {self.comparator} {number(self.threshold)}"


def watched(catalogue: Catalogue, compiled: DatadogQL, alert: Alert) -> Watched:
    """Give what the monitor of an alert watches.

    Raises:
        UnsaidError: Datadog cannot watch it; the message says why.
    """
    condition = alert.condition
    if isinstance(condition, Raw):
        return _raw(compiled.expression(condition))
    if isinstance(condition, Anomaly):
        return _anomaly(catalogue, compiled, condition)
    expression, operator = condition.expression, condition.operator
    window = max(seconds(expression.window or "0s"), seconds(alert.for_), 60)
    scale = 100 if percent(expression) else 1
    recovery = None if alert.recovery is None else Decimal(str(alert.recovery)) * scale
    return Watched(
        query=_query(catalogue, compiled, alert, condition, window),
        comparator=operator,
        threshold=Decimal(str(condition.threshold)) * scale,
        window=window,
        recovery=recovery,
    )


def percent(expression: Expression) -> bool:
    """Whether the value is a share, which is in percent at Datadog."""
    return isinstance(expression, Ratio | Latency | Change)


def span(amount: int) -> str:
    """Write seconds as Datadog does, in whole minutes: ``5m``, ``4h``."""
    amount = math.ceil(amount / 60) * 60
    unit, length = next((unit, length) for unit, length in _STEPS if amount % length == 0)
    return f"{amount // length}{unit}"


def _query(catalogue: Catalogue, compiled: DatadogQL, alert: Alert, condition: Condition, window: int) -> str:
    expression, upwards = condition.expression, condition.operator.startswith(">")
    # What is not there is 0 events, unless somebody wants to be told that it is not there.
    zero = not upwards and not alert.no_data
    if isinstance(expression, Change):
        over, ago = span(seconds(expression.window)), span(seconds(expression.since))
        how = "sum" if _counts(catalogue, expression.of) else "avg"
        return f"pct_change({how}(last_{over}),last_{ago}):{_counted(catalogue, compiled, expression.of)}"
    if not isinstance(expression, Stat):
        how = "sum" if _counts(catalogue, expression) else "avg"
        return f"{how}(last_{span(window)}):{compiled.expression(expression)}"
    word = stat_of(expression, catalogue.instrument(expression))
    if _counts(catalogue, expression):
        return _of_events(compiled, expression, word, window, zero=zero)
    if percentile(word) is not None:
        return f"percentile(last_{span(window)}):{compiled.expression(expression)}"
    # A gauge is beyond a number all the time where the least of it is.
    how = "avg" if catalogue.instrument(expression).kind == "distribution" else "min" if upwards else "max"
    return f"{how}(last_{span(window)}):{compiled.expression(expression)}"


def _of_events(compiled: DatadogQL, stat: Stat, word: str, window: int, *, zero: bool) -> str:
    """Give the query for a number of events. A rate is their number by the time: an average of rates leaves out gaps.

    Raises:
        UnsaidError: They are counted over a window that Datadog does not have.
    """
    query = compiled.counted(stat)
    query = f"default_zero({query})" if zero else query
    if word == "rate":
        minutes = math.ceil(window / 60)
        return f"sum(last_{span(window)}):{query} / {minutes * 60}"
    if seconds(stat.window) % 60:
        raise UnsaidError(f"Datadog looks back on whole minutes, and not on {stat.window}")
    return f"sum(last_{span(seconds(stat.window))}):{query}"


def _counts(catalogue: Catalogue, expression: Expression) -> bool:
    """Whether the expression is made of numbers of events, which are added up over a window."""
    if isinstance(expression, Latency):
        return True
    stat = expression.total if isinstance(expression, Ratio) else expression
    return isinstance(stat, Stat) and stat_of(stat, catalogue.instrument(stat)) in ("rate", "increase")


def _counted(catalogue: Catalogue, compiled: DatadogQL, expression: Expression) -> str:
    if isinstance(expression, Stat) and _counts(catalogue, expression):
        return compiled.counted(expression)
    return compiled.expression(expression)


def _anomaly(catalogue: Catalogue, compiled: DatadogQL, anomaly: Anomaly) -> Watched:
    trigger, recovery = seconds(anomaly.trigger), seconds(anomaly.recovery)
    window = max(4 * _HOURS, 4 * max(trigger, recovery))
    options = {
        "direction": f"'{anomaly.direction}'",
        "interval": f"{max(20, trigger // 15 // 20 * 20)}",
        "alert_window": f"'last_{span(trigger)}'",
        "count_default_zero": "'true'",
        **({"seasonality": f"'{anomaly.seasonality}'"} if anomaly.seasonality else {}),
    }
    given = ", ".join(f"{name}={value}" for name, value in options.items())
    bounds = number(Decimal(str(anomaly.bounds)))
    query = _counted(catalogue, compiled, anomaly.of)
    return Watched(
        query=f"avg(last_{span(window)}):anomalies({query}, '{anomaly.algorithm}', {bounds}, {given})",
        comparator=">=",
        threshold=Decimal(1),
        window=window,
        recovery=Decimal(0),
        trigger=f"last_{span(trigger)}",
        recover=f"last_{span(recovery)}",
    )


def _raw(text: str) -> Watched:
    found = parse_monitor(text)
    query, comparator, _ = text.rpartition(found.comparator)
    window = 0 if not isinstance(found, Monitor) else 300
    return Watched(query=query.strip(), comparator=comparator, threshold=Decimal(str(found.threshold)), window=window)
