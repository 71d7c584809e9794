"""Datadog's monitors, objectives and dashboards: what its API client accepts, and that is wrong all the same."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from anytel.backend import Spelling
from anytel.catalogue.catalogue import Catalogue
from anytel.generate.checking.artefacts import Artefact, Artefacts
from anytel.generate.checking.finding import Finding
from anytel.generate.datadog import made
from anytel.generate.datadog.query import (
    Call,
    Change,
    MetricQuery,
    Monitor,
    SloMonitor,
    parse_monitor,
    parse_query,
    queries,
)
from anytel.generate.datadog.rules import minutes, monitor_problems, query_problems
from anytel.generate.options import Options
from anytel.generate.spelling import backends, speller

__all__ = ["datadog_checks"]

_Data: TypeAlias = Mapping[str, Any]

_MARK = re.compile(r"\{\{([#/^])(\w+)[^}]*\}\}")
_VARIABLE = re.compile(r"\{\{\[?([\w./-]+?)\]?\.name\}\}")
_SLO_ID = "SLO_ID:"
OF_HOSTS = frozenset({"service", "env", "version", "host"})
"""Tags that series have without a declaration."""
OF_OTHERS = re.compile(r"(aws|azure|container|datadog|docker|gcp|kubernetes|kubernetes_state|runtime|system|trace)\.")
"""Metrics that the agent and integrations have, without anybody declaring them."""


def datadog_checks(artefacts: Artefacts, catalogue: Catalogue | None) -> Iterator[Finding]:
    """Check each file by itself, then that they fit together; *catalogue* says which metrics there are."""
    parts = {
        "datadog monitor": _monitor,
        "datadog slo": _slo,
        "datadog dashboard": _dashboard,
    }
    known = _Known(artefacts, catalogue)
    for kind, wrong_with in parts.items():
        for file in artefacts.of(kind):  # type: ignore[arg-type]  # they are of it
            found = list(dict.fromkeys([*wrong_with(file.data), *known.problems(file)]))
            yield from [Finding("datadog", "failed", file.path, wrong) for wrong in found]
            if not found:
                yield Finding("datadog", "passed", file.path)
    yield from known.skipped()
    if catalogue is not None and known.compared:
        yield from _left_out(catalogue)


def _left_out(catalogue: Catalogue) -> Iterator[Finding]:
    """Say what is declared, and Datadog cannot have."""
    for name, why in made(catalogue, Options()).left_out.items():
        yield Finding("datadog", "noted", detail=f"{name} is not at Datadog: {why}")


def _monitor(data: _Data) -> Iterator[str]:
    found = monitor_problems(data["query"])
    yield from found
    if found:
        return
    query = parse_monitor(data["query"])
    options = data["options"]
    yield from _thresholds(query.comparator, query.threshold, options.get("thresholds") or {})
    if isinstance(query, Monitor):
        yield from _windows(query, options)
    yield from _message(data, _groups(query))
    if data.get("priority") not in (None, 1, 2, 3, 4, 5):
        yield f"the priority {data['priority']!r} is none of 1 to 5"


def _thresholds(comparator: str, number: float, thresholds: _Data) -> Iterator[str]:
    """The query and the options say the same number, and a warning comes before it."""
    critical, warning = thresholds.get("critical"), thresholds.get("warning")
    if critical is None or float(critical) != number:
        yield f"the query compares with {number:g}, and thresholds.critical is {critical}"
        return
    upwards = comparator.startswith(">")
    if warning is not None and (warning >= critical if upwards else warning <= critical):
        side = "below" if upwards else "above"
        yield f"the warning at {warning} comes after {comparator} {critical}; it has to be {side} it"
    for name, limit in (("critical", critical), ("warning", warning)):
        recovery = thresholds.get(f"{name}_recovery")
        if recovery is not None and limit is not None and (recovery >= limit if upwards else recovery <= limit):
            yield f"{name}_recovery {recovery} does not end what {comparator} {limit} began"


def _windows(query: Monitor, options: _Data) -> Iterator[str]:
    window = query.window.window if isinstance(query.window, Change) else query.window
    if options.get("notify_no_data"):
        after = options.get("no_data_timeframe") or 0
        if after < 2 * minutes(window.span):
            yield f"no_data_timeframe {after} is less than twice the window of {minutes(window.span)} minutes"
        if options.get("on_missing_data"):
            yield "on_missing_data and notify_no_data exclude each other"
    expression = query.expression
    if not isinstance(expression, Call) or expression.name != "anomalies":
        return
    trigger = (options.get("threshold_windows") or {}).get("trigger_window")
    alert = next((one.value for one in expression.arguments if one.name == "alert_window"), None)
    if trigger != alert:
        yield f"the query has alert_window={alert!r}, and threshold_windows.trigger_window is {trigger!r}"


def _groups(query: Monitor | SloMonitor) -> set[str]:
    return set() if isinstance(query, SloMonitor) else {tag for one in queries(query.expression) for tag in one.by}


def _message(data: _Data, groups: set[str]) -> Iterator[str]:
    text = f"{data.get('name', '')}\n{data.get('message', '')}"
    open_marks: list[str] = []
    for kind, name in _MARK.findall(text):
        if kind != "/":
            open_marks.append(name)
        elif not open_marks or open_marks.pop() != name:
            yield f"the message closes {{{{/{name}}}}}, which is not open there"
            return
    yield from (f"the message does not close {{{{#{name}}}}}" for name in open_marks)
    for tag in sorted(set(_VARIABLE.findall(text)) - groups):
        yield f"the message has {{{{{tag}.name}}}}, and the query is not by {{{tag}}}"


def _slo(data: _Data) -> Iterator[str]:
    for part in ("numerator", "denominator"):
        for wrong in query_problems(data["query"][part]):
            yield f"{part}: {wrong}"
    for one in data.get("thresholds") or ():
        target, warning = one.get("target", 0), one.get("warning")
        if one.get("timeframe") not in ("7d", "30d", "90d"):
            yield f"the timeframe {one.get('timeframe')!r} is none of 7d, 30d, 90d"
        if not 0 < target < 100:
            yield f"the target {target} is no percentage below 100"
        if warning is not None and not target < warning < 100:
            yield f"the warning {warning} is not above the target {target}"


def _dashboard(data: _Data) -> Iterator[str]:
    for title, text in _asked(data):
        for wrong in query_problems(text):
            yield f"{title}: {wrong}"
    variables = {one["name"] for one in data.get("template_variables") or ()}
    for title, text in _asked(data):
        for name in re.findall(r"\$(\w+)", text):
            if name not in variables:
                yield f"{title}: there is no template variable ${name}"


def _asked(data: object, title: str = "") -> Iterator[tuple[str, str]]:
    """Give the queries of all widgets, each with the title of its widget."""
    if isinstance(data, dict):
        title = str(data.get("title") or title)
        if data.get("data_source") == "metrics":
            yield title, str(data.get("query"))
        if isinstance(data.get("q"), str):
            yield title, data["q"]
        for one in data.values():
            yield from _asked(one, title)
    elif isinstance(data, list):
        for one in data:
            yield from _asked(one, title)


class _Known:
    """What the files refer to: metrics and tags that are declared, objectives, and percentiles that are computed."""

    def __init__(self, artefacts: Artefacts, catalogue: Catalogue | None) -> None:
        self._slos = {file.path.rpartition("/")[2].removesuffix(".json") for file in artefacts.of("datadog slo")}
        self._percentiles = {
            file.data["data"]["id"]
            for file in artefacts.of("datadog tags")
            if file.data["data"].get("attributes", {}).get("include_percentiles")
        }
        self._any = bool(artefacts.of("datadog monitor") or artefacts.of("datadog dashboard"))
        self._declared: dict[str, Spelling] | None = None
        if catalogue is not None and self._any and "datadog" in backends():
            spell = speller("datadog")
            spellings = [spell(one) for one in catalogue.instruments.values()]
            self._declared = {name: one for one in spellings for name in one.series}

    @property
    def compared(self) -> bool:
        """Whether there is something of Datadog, and declarations to compare it with."""
        return self._declared is not None

    def skipped(self) -> Iterator[Finding]:
        """Say what was not compared."""
        if self._any and self._declared is None:
            detail = "Datadog's metrics are not compared with the declarations: give --app, with anytel[datadog]"
            yield Finding("datadog metrics", "skipped", detail=detail)

    def problems(self, file: Artefact) -> Iterator[str]:
        """Give what *file* refers to, and is not there."""
        for text in _texts(file):
            try:
                found = parse_monitor(text) if file.kind == "datadog monitor" else parse_query(text)
            except ValueError:
                continue  # told already
            if isinstance(found, SloMonitor):
                yield from self._objective(found.slo)
            else:
                expression = found.expression if isinstance(found, Monitor) else found
                for query in queries(expression):
                    yield from self._query(query)
        if file.kind == "datadog dashboard":
            for slo in _named(file.data, "slo_id"):
                yield from self._objective(slo)

    def _objective(self, slo: str) -> Iterator[str]:
        name = slo.removeprefix(_SLO_ID)
        if slo.startswith(_SLO_ID) and name not in self._slos:
            yield f"there is no objective {name!r}"

    def _query(self, query: MetricQuery) -> Iterator[str]:
        if query.percentile and query.metric not in self._percentiles:
            yield f"no tag configuration has the percentiles of {query.metric} computed"
        if self._declared is None:
            return
        spelling = self._declared.get(query.metric)
        if spelling is None and OF_OTHERS.match(query.metric):
            return
        if spelling is None:
            near = difflib.get_close_matches(query.metric, self._declared, n=1)
            yield f"no declared metric is {query.metric!r} at Datadog{f'; did you mean {near[0]!r}?' if near else ''}"
            return
        if query.percentile and spelling.type != "distribution":
            yield f"{query.metric} is a {spelling.type}, and only a distribution has percentiles"
        tags = set(spelling.tags.values())
        for tag in sorted({one.key for one in query.scope.tags if one.value is not None} - tags - OF_HOSTS):
            yield f"{query.metric} has no tag {tag!r}; it has {', '.join(sorted(tags)) or 'none'}"


def _texts(file: Artefact) -> list[str]:
    if file.kind == "datadog monitor":
        return [file.data["query"]]
    if file.kind == "datadog slo":
        return [file.data["query"]["numerator"], file.data["query"]["denominator"]]
    return [text for _, text in _asked(file.data)]


def _named(data: object, key: str) -> Iterator[str]:
    """Give all texts of that key."""
    if isinstance(data, dict):
        yield from (str(one) for name, one in data.items() if name == key)
    for one in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _named(one, key)
