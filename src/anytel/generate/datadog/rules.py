"""Rules: what can be read as one of Datadog's queries, and that Datadog refuses, or answers wrongly.

https://docs.datadoghq.com/dashboards/functions/, https://docs.datadoghq.com/monitors/types/
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from anytel.generate.datadog.query import (
    Argument,
    Binary,
    Call,
    Change,
    Expression,
    MetricQuery,
    Monitor,
    SloMonitor,
    parse_monitor,
    parse_query,
    queries,
)

__all__ = ["minutes", "monitor_problems", "query_problems"]

_Values: TypeAlias = Sequence[str | float]

_AGGREGATOR = re.compile(r"avg|sum|min|max|count|p\d{1,2}(\.\d+)?|count\(.*\)|histogram|")
_METRIC = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,199}")
_ROLLUPS = ("avg", "sum", "min", "max", "count")
_RANK = ("mean", "min", "max", "last", "l2norm", "area", "sum", "avg")
_NO_ARGUMENTS = (
    "abs", "autosmooth", "cumsum", "count_nonzero", "count_not_null", "day_before", "default_zero", "derivative",
    "diff", "dt", "ewma_3", "ewma_5", "ewma_7", "ewma_10", "ewma_20", "hour_before", "integral", "log10", "log2",
    "median_3", "median_5", "median_7", "median_9", "month_before", "monotonic_diff", "per_hour", "per_minute",
    "per_second", "piecewise_constant", "robust_trend", "throughput", "trend_line", "week_before",
    "top5", "top10", "top15", "top20", "bottom5", "bottom10", "bottom15", "bottom20",
)  # fmt: skip
_ONE_ARGUMENT = ("clamp_min", "clamp_max", "cutoff_min", "cutoff_max", "default", "exclude_null", "timeshift")
_FUNCTIONS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(_NO_ARGUMENTS, (0, 0)),
    **dict.fromkeys(
        ("clamp_min", "clamp_max", "cutoff_min", "cutoff_max", "timeshift", "default", "exclude_null"), (1, 1)
    ),
    **dict.fromkeys(("moving_rollup", "calendar_shift"), (2, 3)),
    **dict.fromkeys(("top", "bottom"), (1, 3)),
    "anomalies": (2, 2),
    "outliers": (1, 3),
    "forecast": (2, 2),
}
"""The least and the largest number of arguments beside the query, named ones aside."""
_ANOMALY_OPTIONS: Mapping[str, re.Pattern[str]] = {
    "direction": re.compile("above|below|both"),
    "seasonality": re.compile("hourly|daily|weekly"),
    "alert_window": re.compile(r"last_\d+[mhdw]"),
    "interval": re.compile(r"\d+(\.0)?"),
    "count_default_zero": re.compile("true|false"),
    "timezone": re.compile(r"[A-Za-z_]+(/[A-Za-z_+\-0-9]+)*"),
}
_ALGORITHMS: Mapping[str, Sequence[str]] = {
    "anomalies": ("basic", "agile", "robust"),
    "forecast": ("linear", "seasonal"),
    "outliers": ("dbscan", "mad", "scaleddbscan", "scaledmad"),
}
_MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 10080, "mo": 43200}
_SLO_STEPS: Mapping[str, tuple[str, ...]] = {
    "burn_rate": ("over", "long_window", "short_window"),
    "error_budget": ("over",),
}
_OVER = ("7d", "30d", "90d")
_LONGEST = 48 * 60
"""Minutes that a burn rate can look back on."""


def query_problems(text: str) -> list[str]:
    """Say what is wrong with a query of a widget or of an objective."""
    try:
        found = parse_query(text)
    except ValueError as exc:
        return [f"{exc} of {text!r}"]
    return list(dict.fromkeys(_expression(found)))


def monitor_problems(text: str) -> list[str]:
    """Say what is wrong with the query of a monitor."""
    try:
        found = parse_monitor(text)
    except ValueError as exc:
        return [f"{exc} of {text!r}"]
    told = _slo(found) if isinstance(found, SloMonitor) else _monitor(found)
    return list(dict.fromkeys(told))


def minutes(span: str) -> int:
    """Give the minutes of ``last_4h`` or ``4h``."""
    found = re.fullmatch(r"(?:\w+_)?(\d+)(mo|[mhdw])(?:_ago)?", span)
    if found is None:
        raise ValueError(f"{span!r} is no span of time such as last_5m")
    return int(found[1]) * _MINUTES[found[2]]


def _monitor(monitor: Monitor) -> Iterator[str]:
    yield from _expression(monitor.expression)
    asked = list(queries(monitor.expression))
    window = monitor.window.window if isinstance(monitor.window, Change) else monitor.window
    if not asked:
        yield "it asks for no metric"
    if window.aggregator == "percentile" and not all(one.percentile for one in asked):
        yield "percentile(...) is for queries such as p95:name{...} only"
    calls = list(_calls(monitor.expression))
    forecast = any(one.name == "forecast" for one in calls)
    if window.span.startswith("next_") != forecast:
        yield (
            f"{window.span} is for forecast(...), and forecast(...) for it"
            if not forecast
            else "a forecast looks at next_..."
        )
    for one in calls:
        if one.name == "anomalies":
            yield from _within(one, minutes(window.span))
            if not 0 <= monitor.threshold <= 1:
                yield f"anomalies are compared with a share of the points from 0 to 1, not with {monitor.threshold:g}"


def _within(call: Call, window: int) -> Iterator[str]:
    """Check the windows of anomalies against the one of the monitor, in minutes."""
    named = {one.name: str(one.value) for one in call.arguments if one.name}
    alert = named.get("alert_window", "")
    if not _ANOMALY_OPTIONS["alert_window"].fullmatch(alert):
        return
    if minutes(alert) > window:
        yield f"alert_window={alert!r} is longer than what is looked at"
    interval = named.get("interval", "")
    if _ANOMALY_OPTIONS["interval"].fullmatch(interval) and float(interval) * 5 > minutes(alert) * 60:
        yield f"interval={float(interval):g} gives less than five points in alert_window={alert!r}"


def _slo(monitor: SloMonitor) -> Iterator[str]:
    wanted, given = _SLO_STEPS[monitor.kind], tuple(name for name, _ in monitor.steps)
    if given != wanted:
        yield f"{monitor.kind}(...) is followed by {', '.join(f'.{one}(...)' for one in wanted)}"
        return
    if not monitor.slo:
        yield "it names no SLO"
    steps = dict(monitor.steps)
    if steps["over"] not in _OVER:
        yield f'over("{steps["over"]}") is none of {", ".join(_OVER)}'
    try:
        long, short = minutes(steps.get("long_window", "1h")), minutes(steps.get("short_window", "5m"))
    except ValueError as exc:
        yield str(exc)
        return
    if not short < long <= _LONGEST:
        yield "short_window is below long_window, which is at most 48h"
    if monitor.comparator not in (">", ">=") or monitor.threshold <= 0:
        yield "it alerts above a number larger than 0"


def _expression(expression: Expression) -> Iterator[str]:
    if isinstance(expression, MetricQuery):
        yield from _query(expression)
    elif isinstance(expression, Binary):
        yield from _expression(expression.left)
        yield from _expression(expression.right)
        groups = {one.by for side in (expression.left, expression.right) for one in queries(side) if one.by}
        if len({tuple(sorted(one)) for one in groups}) > 1:
            yield "both sides of an operator are grouped by different tags"
    elif isinstance(expression, Call):
        yield from _expression(expression.expression)
        yield from _call(expression)


def _query(query: MetricQuery) -> Iterator[str]:
    if not _AGGREGATOR.fullmatch(query.aggregator):
        yield f"there is no aggregator {query.aggregator!r}"
    if not _METRIC.fullmatch(query.metric):
        yield f"{query.metric!r} is no name of a metric"
    if query.scope.symbols and query.scope.words:
        yield "a scope has either ',' and '!', or AND, OR, NOT and IN"
    if len(set(query.by)) < len(query.by):
        yield "it is grouped by a tag twice"
    methods = [one.name for one in query.methods]
    if query.aggregator[:1] == "p" and {"as_count", "as_rate"} & set(methods):
        yield "a percentile is no count"
    if {"as_count", "as_rate"} <= set(methods):
        yield "it is either a count or a rate"
    for one in query.methods:
        arguments = [argument.value for argument in one.arguments]
        if one.name not in _METHODS:
            yield f"there is no .{one.name}(){_near(one.name, _METHODS)}"
        elif not _METHODS[one.name](arguments):
            shown = ", ".join(f"{value:g}" if isinstance(value, float) else value for value in arguments)
            yield f".{one.name}({shown}) says nothing"


def _rolled(arguments: _Values) -> bool:
    first = arguments[0] if arguments else None
    if isinstance(first, float):
        return first > 0 and len(arguments) == 1
    if first not in (*_ROLLUPS, "daily", "weekly", "monthly"):
        return False
    return len(arguments) == 1 or not isinstance(arguments[1], float) or arguments[1] > 0


def _filled(arguments: _Values) -> bool:
    return 0 < len(arguments) < 3 and arguments[0] in ("null", "zero", "linear", "last")


def _bare(arguments: _Values) -> bool:
    return not arguments


_METHODS: Mapping[str, Callable[[_Values], bool]] = {
    "as_count": _bare,
    "as_rate": _bare,
    "weighted": _bare,
    "rollup": _rolled,
    "fill": _filled,
}


def _call(call: Call) -> Iterator[str]:
    if call.name not in _FUNCTIONS:
        yield f"there is no function {call.name!r}{_near(call.name, _FUNCTIONS)}"
        return
    positional = [one for one in call.arguments if not one.name]
    least, most = _FUNCTIONS[call.name]
    if not least <= len(positional) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        yield f"{call.name} has {wanted} arguments beside its query, not {len(positional)}"
        return
    if call.name in _ALGORITHMS:
        yield from _algorithm(call, positional)
    elif call.name == "moving_rollup" and positional[1].value not in _ROLLUPS:
        yield f"moving_rollup has no {positional[1].value!r}"
    elif call.name in ("top", "bottom"):
        yield from _ranked(call, positional)


def _algorithm(call: Call, positional: Sequence[Argument]) -> Iterator[str]:
    known = _ALGORITHMS[call.name]
    if str(positional[0].value).lower() not in known or not positional[0].quoted:
        yield f"{call.name} has no algorithm {positional[0].value!r}; it has {', '.join(map(repr, known))}"
    if len(positional) > 1 and not (isinstance(positional[1].value, float) and positional[1].value > 0):
        yield f"the width of {call.name} is a number above 0, not {positional[1].value!r}"
    if call.name == "outliers" and not all(one.by for one in queries(call.expression)):
        yield "outliers compares groups with each other, and needs by {...}"
    if call.name != "anomalies":
        return
    named = {one.name: one for one in call.arguments if one.name}
    for name, one in named.items():
        known_option = _ANOMALY_OPTIONS.get(name)
        if known_option is None:
            yield f"anomalies has no {name}={_near(name, _ANOMALY_OPTIONS)}"
        elif not known_option.fullmatch(str(one.value)):
            yield f"anomalies cannot have {name}={one.value!r}"
    if positional[0].value == "basic" and "seasonality" in named:
        yield "'basic' knows no seasonality; use 'agile' or 'robust'"


def _ranked(call: Call, positional: Sequence[Argument]) -> Iterator[str]:
    number, *rest = (one.value for one in positional)
    if not (isinstance(number, float) and number > 0):
        yield f"{call.name} is of a number of series, not {number!r}"
    if rest and rest[0] not in _RANK:
        yield f"{call.name} cannot rank by {rest[0]!r}"
    if len(rest) > 1 and rest[1] not in ("asc", "desc"):
        yield f"{call.name} is sorted 'asc' or 'desc', not {rest[1]!r}"


def _calls(expression: Expression) -> Iterator[Call]:
    if isinstance(expression, Call):
        yield expression
        yield from _calls(expression.expression)
    elif isinstance(expression, Binary):
        yield from _calls(expression.left)
        yield from _calls(expression.right)


def _near(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
