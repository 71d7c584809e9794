"""Dashboards: what Grafana accepts and that shows nothing, or something else than it says."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from anytel.generate.checking.artefacts import Artefact, Artefacts
from anytel.generate.checking.finding import Finding
from anytel.generate.checking.panels import Data, panels
from anytel.generate.grafana.units import KNOWN

__all__ = ["dashboard_checks"]

CHECK = "dashboards"
_OWN_UNIT = re.compile(r"(?:prefix|suffix|time|si|count|currency|bool):.+")
_LONGEST = 40
_FIXED = re.compile(r"\b(rate|irate)\s*\([^\[]*\[\s*(\d\w*)\s*\]")
_USED = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")
_AT_ONCE = ("table", "bargauge", "piechart")
"""Panels that want one value for each series; of a range they show each step, or the sum of all."""
_WORDS: Mapping[tuple[str, str], Sequence[str]] = {
    ("stat", "colorMode"): ("value", "background", "background_solid", "none"),
    ("stat", "graphMode"): ("none", "line", "area"),
    ("stat", "textMode"): ("auto", "value", "value_and_name", "name", "none"),
    ("bargauge", "displayMode"): ("basic", "lcd", "gradient"),
    ("piechart", "pieType"): ("pie", "donut"),
    ("logs", "sortOrder"): ("Ascending", "Descending"),
    ("heatmap", "color.mode"): ("opacity", "scheme"),
    ("timeseries", "legend.displayMode"): ("list", "table", "hidden"),
    ("timeseries", "tooltip.mode"): ("single", "multi", "none"),
}
"""Options that are often mistaken; all of them are checked by TypeScript, where it is installed."""


def dashboard_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Check each dashboard, and that no two of a folder have one uid."""
    files = artefacts.of("dashboard")
    uids = Counter((_folder(file), file.data.get("uid")) for file in files)
    for file in files:
        wrong = [*_whole(file, uids[_folder(file), file.data.get("uid")]), *_each(file)]
        yield from [Finding(CHECK, "failed", file.path, one) for one in dict.fromkeys(wrong)]
        if not wrong:
            yield Finding(CHECK, "passed", file.path)


def _folder(file: Artefact) -> str:
    return file.path.rpartition("/")[0]


def _whole(file: Artefact, times: int) -> Iterator[str]:
    uid = file.data.get("uid")
    if not isinstance(uid, str) or not 0 < len(uid) <= _LONGEST:
        yield f"uid {uid!r}: without one of 1 to {_LONGEST} characters links to it break; write one"
    elif times > 1:
        yield f"uid {uid!r} is there {times} times: one dashboard replaces the other; give each its own"
    if not file.data.get("title"):
        yield "it has no title; write one"
    ids = Counter(one.get("id") for one in file.data.get("panels") or ())
    ids.update(inner.get("id") for one in file.data.get("panels") or () for inner in one.get("panels") or ())
    yield from (f"id {one} is that of {number} panels; count them" for one, number in ids.items() if number > 1)


def _each(file: Artefact) -> Iterator[str]:
    variables = {one.get("name"): one for one in (file.data.get("templating") or {}).get("list") or ()}
    for panel in panels(file):
        place = f"panel {panel.get('title')!r}"
        found = [*_fields(panel), *_options(panel), *_targets(panel, variables)]
        if panel.get("repeat") and panel["repeat"] not in variables:
            found.append(f"it is repeated for ${panel['repeat']}, which is no variable of the dashboard")
        yield from (f"{place}: {one}" for one in found)


def _fields(panel: Data) -> Iterator[str]:
    config = panel.get("fieldConfig") or {}
    defaults = config.get("defaults") or {}
    given = [defaults.get("unit"), ((panel.get("options") or {}).get("yAxis") or {}).get("unit")]
    given += [
        one.get("value") for rule in config.get("overrides") or () for one in rule["properties"] if one["id"] == "unit"
    ]
    for unit in given:
        if unit and unit not in KNOWN and not _OWN_UNIT.fullmatch(str(unit)):
            near = difflib.get_close_matches(str(unit), KNOWN, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield f"Grafana has no unit {unit!r}{hint}"
    values = [step.get("value") for step in (defaults.get("thresholds") or {}).get("steps") or ()]
    numbers = values[1:]
    if values and (values[0] is not None or None in numbers or numbers != sorted(numbers)):
        yield f"the thresholds {values} do not begin with null and rise from there; sort them"
    if "thresholds" in panel:
        yield "thresholds belongs into fieldConfig.defaults, and is ignored here"


def _options(panel: Data) -> Iterator[str]:
    options, kind = panel.get("options") or {}, panel.get("type")
    for (of, path), known in _WORDS.items():
        first, _, second = path.partition(".")
        value = options.get(first)
        if second:
            value = value.get(second) if isinstance(value, dict) else None
        if of == kind and value is not None and value not in known:
            yield f"options.{path} is {value!r}; use one of {', '.join(known)}"


def _targets(panel: Data, variables: Mapping[str, Data]) -> Iterator[str]:
    targets = panel.get("targets") or ()
    if not targets:
        yield "it asks nothing; give it a target"
    refs = Counter(one.get("refId") for one in targets)
    yield from (f"refId {ref!r} is that of {number} queries" for ref, number in refs.items() if number > 1 or not ref)
    for target in targets:
        expr = str(target.get("expr", ""))
        yield from _source(target.get("datasource") or panel.get("datasource"), variables)
        if not expr.strip():
            yield f"query {target.get('refId')} is empty"
        for function, window in _FIXED.findall(expr):
            yield f"{function}(...[{window}]) is wrong on most time ranges; write [$__rate_interval]: {expr}"
        if panel.get("type") in _AT_ONCE and not target.get("instant"):
            yield f"query {target.get('refId')} gives a value for each step; set instant to true and range to false"
        for used in (one[0] or one[1] for one in _USED.findall(expr)):
            if not used.startswith("__") and used not in variables:
                yield f"${used} is no variable of the dashboard; it has {', '.join(sorted(variables)) or 'none'}"


def _source(given: object, variables: Mapping[str, Data]) -> Iterator[str]:
    uid = str(given.get("uid", "")) if isinstance(given, dict) else ""
    name = uid.removeprefix("${").removesuffix("}")
    if not isinstance(given, dict) or not uid:
        yield "a query has no datasource, so that the default one is asked; write one such as ${metrics}"
    elif name == uid:
        yield f"the datasource is fixed to {uid!r}, which other Grafanas do not have; use a variable of type datasource"
    elif variables.get(name, {}).get("type") != "datasource":
        yield f"the datasource {uid} is no variable of type datasource; add one to templating"
    elif variables[name].get("query") != given.get("type"):
        yield f"the datasource {uid} is of type {variables[name].get('query')}, and asked as {given.get('type')}"
