"""Our own checks: what promtool and amtool accept, and that is wrong all the same."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from anytel.backend import Spelling
from anytel.catalogue.catalogue import Catalogue
from anytel.generate import prometheus
from anytel.generate.checking.alertmanager import alertmanager_checks
from anytel.generate.checking.artefacts import Artefact, Artefacts, Rule
from anytel.generate.checking.complete import completeness_checks
from anytel.generate.checking.compose import compose_checks
from anytel.generate.checking.dashboards import dashboard_checks
from anytel.generate.checking.finding import Finding
from anytel.generate.checking.meaning import meaning_checks
from anytel.generate.checking.panels import Asked, asked
from anytel.generate.checking.provisioning import provisioning_checks
from anytel.generate.checking.routing import routing_checks
from anytel.generate.checking.servers import server_checks
from anytel.generate.federation.selectors import problem
from anytel.generate.options import Options
from anytel.generate.queries import Matcher, Selector, grouped_by, parse, selectors
from anytel.generate.spelling import speller

__all__ = ["own_checks"]

OF_TARGETS = frozenset({"job", "instance", "service", "cluster", "replica", "__name__"})
"""Labels that Prometheus adds to every series, external ones of ours among them."""
OF_PROMETHEUS = re.compile(
    r"up|ALERTS|ALERTS_FOR_STATE|scrape_.+|(?:prometheus|alertmanager|thanos|loki|go|process)_.+"
)
"""Metrics that are there without anybody declaring them."""


def own_checks(artefacts: Artefacts, catalogue: Catalogue | None) -> Iterator[Finding]:
    """Check the files; *catalogue* says which metrics there are."""
    yield from artefacts.unreadable
    rules = list(artefacts.rules())
    queries = [one for one in asked(artefacts) if not one.logs]
    yield from _each("queries", queries, [*_queries(queries)])
    yield from _each("names", rules, [*_twice(rules), *_untold(rules)])
    if catalogue is None:
        yield Finding("metrics", "skipped", detail="not compared with the declarations: give --app")
    else:
        recorded = {rule.name for rule in rules if "record" in rule.data}
        yield from _each("metrics", queries, [*_Metrics(queries, recorded, catalogue).findings()])
    for file in artefacts.of("prometheus"):
        yield from _federated(file)
    yield from completeness_checks(artefacts)
    yield from server_checks(artefacts)
    yield from meaning_checks(rules, catalogue)
    yield from alertmanager_checks(artefacts)
    yield from routing_checks(artefacts)
    yield from compose_checks(artefacts)
    yield from dashboard_checks(artefacts)
    yield from provisioning_checks(artefacts)


def _each(check: str, rules: Sequence[Rule | Asked], failed: list[Finding]) -> Iterator[Finding]:
    """Give what failed, and for each file without such that it passed."""
    yield from failed
    for path in dict.fromkeys(rule.path for rule in rules):
        if path not in {one.file for one in failed}:
            yield Finding(check, "passed", path)


def _queries(queries: list[Asked]) -> Iterator[Finding]:
    for one in queries:
        try:
            parse(one.expr)
        except ValueError as exc:
            yield Finding("queries", "failed", one.path, f"{one.name}: {exc}: {one.expr}")


def _twice(rules: list[Rule]) -> Iterator[Finding]:
    """Two rules for one series overwrite each other, where one server evaluates both: it has the rules of a folder."""
    seen = Counter(map(_series, rules))
    for rule in rules:
        if seen[key := _series(rule)] > 1:
            yield Finding("names", "failed", rule.path, f"{rule.name} is there {seen[key]} times with the same labels")


def _series(rule: Rule) -> tuple[object, ...]:
    labels = sorted((rule.data.get("labels") or {}).items())
    return rule.path.rpartition("/")[0], rule.name, tuple(labels)


def _untold(rules: list[Rule]) -> Iterator[Finding]:
    """An alert without these is routed nowhere, or tells nothing."""
    for rule in rules:
        if "alert" in rule.data:
            labels, said = rule.data.get("labels") or {}, rule.data.get("annotations") or {}
            missing = [name for name, where in (("severity", labels), ("summary", said)) if not where.get(name)]
            if missing:
                yield Finding("names", "failed", rule.path, f"alert {rule.name} has no {' and no '.join(missing)}")


class _Metrics:
    """Compares the series that are asked for with those that are declared or *recorded*."""

    def __init__(self, queries: list[Asked], recorded: set[str], catalogue: Catalogue) -> None:
        self.queries = queries
        spell = speller("prometheus")
        spellings = [spell(one) for one in catalogue.instruments.values()]
        self.declared: Mapping[str, Spelling] = {name: one for one in spellings for name in one.series}
        self.recorded = recorded | _recorded(catalogue)

    def findings(self) -> Iterator[Finding]:
        """Give what does not fit."""
        for one in self.queries:
            try:
                query = parse(one.expr)
            except ValueError:
                continue  # told already
            asked = selectors(query)
            for selector in asked:
                for wrong in self._selector(selector):
                    yield Finding("metrics", "failed", one.path, f"{one.name}: {wrong}")
            for label in self._unknown_groups(asked, grouped_by(query)):
                yield Finding("metrics", "failed", one.path, f"{one.name}: nothing it reads has the label {label!r}")

    def _selector(self, selector: Selector) -> Iterator[str]:
        name = selector.name
        spelling = self.declared.get(name)
        if spelling is not None:
            for matcher in selector.matchers:
                yield from self._matcher(name, spelling, matcher)
        elif name and name not in self.recorded and not OF_PROMETHEUS.fullmatch(name):
            near = difflib.get_close_matches(name, [*self.declared, *self.recorded], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield f"no declared metric and no rule gives {name!r}{hint}"

    def _matcher(self, name: str, spelling: Spelling, matcher: Matcher) -> Iterator[str]:
        label = matcher.label
        if label == "le" and name.endswith("_bucket"):
            if matcher.operator == "=" and matcher.value not in (*spelling.bounds, "+Inf"):
                yield f"{name} has no bucket le={matcher.value!r}; it has {', '.join(spelling.bounds)}"
        elif label not in spelling.tags.values() and label not in OF_TARGETS:
            yield f"{name} has no label {label!r}; it has {', '.join(sorted(spelling.tags.values())) or 'none'}"

    def _unknown_groups(self, asked: list[Selector], labels: list[str]) -> list[str]:
        """Give the labels that are grouped by, where all series are declared and none has them."""
        if not all(selector.name in self.declared for selector in asked):
            return []
        known = {label for selector in asked for label in self.declared[selector.name].tags.values()}
        return [label for label in labels if label not in known | OF_TARGETS | {"le"}]


def _recorded(catalogue: Catalogue) -> set[str]:
    """Give what the generated rules record, which need not lie in the same folder as dashboards."""
    documents: Mapping[str, Mapping[str, Any]] = prometheus.documents(catalogue, Options())
    groups = [group for path, data in documents.items() if path.startswith("rules/") for group in data["groups"]]
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


def _federated(file: Artefact) -> Iterator[Finding]:
    """Check the selectors of federation, at which promtool does not look.

    ``/federate`` accepts a selector that only excludes, such as ``{job!="x"}``, and then gives nearly everything.
    """
    for job in file.data.get("scrape_configs") or ():
        asked = (job.get("params") or {}).get("match[]") or []
        if job.get("metrics_path") != "/federate" and not asked:
            continue
        wrong = [] if asked else [f"job {job.get('job_name')}: without match[] it gets nothing"]
        for one in asked:
            told, fix = problem(one)
            wrong += [f"match[] {one}: {told}. {fix}"] if told else []
        yield from [Finding("federation", "failed", file.path, one) for one in wrong]
        if not wrong:
            yield Finding("federation", "passed", file.path, f"job {job.get('job_name')}")
