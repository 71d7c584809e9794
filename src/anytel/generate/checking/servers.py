"""Prometheus' configurations, against the rules beside them: what promtool accepts, and that never alerts anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from anytel.catalogue.durations import seconds
from anytel.generate.checking.artefacts import Artefact, Artefacts, Rule
from anytel.generate.checking.finding import Finding
from anytel.generate.queries import Selector, parse, rates_over, selectors

__all__ = ["server_checks"]

_SCRAPE_INTERVAL = "1m"
"""Prometheus' own, where a configuration has none."""
_SAMPLES = 2
"""What a rate needs within its window."""


def server_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Check each configuration that reads rules."""
    labels: dict[tuple[str, str], str] = {}
    for file in artefacts.of("prometheus"):
        if not file.data.get("rule_files"):
            continue
        rules = list(_read_by(artefacts, file))
        found = [*_rule_files(artefacts, file), *_alerting(file.data, rules), *_intervals(file.data, rules)]
        found += [*_federating(file.data, rules)] if _federations(file.data) else [*_jobs(file.data, rules)]
        found += _clusters(file, artefacts.of("prometheus"))
        external = (file.data.get("global") or {}).get("external_labels") or {}
        key = str(PurePosixPath(file.path).parent), repr(sorted(external.items()))
        if other := labels.setdefault(key, file.path) if external else file.path:
            if other != file.path:
                found.append(f"{other} has the same external_labels: nobody can tell the two servers apart")
            elif not external:
                found.append("it has no external_labels: neither Thanos nor a person can tell it from other servers")
        yield from [Finding("servers", "failed", file.path, wrong) for wrong in dict.fromkeys(found)]
        if not found:
            yield Finding("servers", "passed", file.path)


def _matched(artefacts: Artefacts, file: Artefact, pattern: str) -> set[str]:
    """Give the paths, below the folder, of what a pattern in *file* matches."""
    beside = (artefacts.folder / file.path).parent
    found = [beside / pattern] if not re.search(r"[*?\[]", pattern) else list(beside.glob(pattern))
    return {path.relative_to(artefacts.folder).as_posix() for path in found if path.is_file()}


def _relative(file: Artefact) -> list[str]:
    return [str(one) for one in file.data["rule_files"] if not str(one).startswith(("/", "../"))]


def _read_by(artefacts: Artefacts, file: Artefact) -> Iterator[Rule]:
    paths = {path for pattern in _relative(file) for path in _matched(artefacts, file, pattern)}
    yield from (rule for rule in artefacts.rules() if rule.path in paths)


def _rule_files(artefacts: Artefacts, file: Artefact) -> Iterator[str]:
    for pattern in _relative(file):
        if not _matched(artefacts, file, pattern):
            yield f"rule_files: there is no {pattern}, so its rules are not evaluated"


def _alerting(data: Mapping[str, Any], rules: Sequence[Rule]) -> Iterator[str]:
    alerting = data.get("alerting") or {}
    if any("alert" in rule.data for rule in rules) and not alerting.get("alertmanagers"):
        yield "it has alerts, and no Alertmanager under alerting: to send them to"
    for relabeling in alerting.get("alert_relabel_configs") or ():
        pattern, action = str(relabeling.get("regex", "(.*)")), relabeling.get("action")
        if action in ("labeldrop", "labelkeep") and _is_lost("severity", pattern, action):
            yield f"alert_relabel_configs: {action} of {pattern} takes the severity from all alerts"


def _is_lost(label: str, pattern: str, action: str) -> bool:
    try:
        return (re.fullmatch(pattern, label) is not None) == (action == "labeldrop")
    except re.error:
        return False  # promtool tells


def _intervals(data: Mapping[str, Any], rules: Sequence[Rule]) -> Iterator[str]:
    """A rate over fewer than two samples is always empty."""
    written = (data.get("global") or {}).get("scrape_interval", _SCRAPE_INTERVAL)
    try:
        interval = seconds(written)
    except ValueError:
        return  # promtool tells
    for rule, query in _queries(rules):
        shortest = min(rates_over(query), default=float("inf"))
        if shortest < _SAMPLES * interval:
            yield f"{rule.name} has a rate over {shortest:g}s, in which a scrape each {written} gives no two samples"


def _queries(rules: Sequence[Rule]) -> Iterator[tuple[Rule, Any]]:
    for rule in rules:
        try:
            yield rule, parse(rule.expr)
        except ValueError:
            continue  # told by the check of queries


def _jobs(data: Mapping[str, Any], rules: Sequence[Rule]) -> Iterator[str]:
    """The alerts of a service are about the job of its name."""
    jobs = {str(job.get("job_name")) for job in data.get("scrape_configs") or ()}
    for rule in rules:
        service = (rule.data.get("labels") or {}).get("service")
        if service and service not in jobs:
            yield f"{rule.name} is of the service {service}, and no job of that name is scraped"


def _clusters(file: Artefact, others: Sequence[Artefact]) -> Iterator[str]:
    """What is federated is told apart by its cluster, which the leaf gives and the central server must not."""
    beside = [one for one in others if PurePosixPath(one.path).parent == PurePosixPath(file.path).parent]
    if any(_federations(one.data) for one in beside):
        has = "cluster" in ((file.data.get("global") or {}).get("external_labels") or {})
        if has and _federations(file.data):
            yield "external_labels: a cluster of its own would be put on the alerts of all leaves that have none"
        elif not has and not _federations(file.data):
            yield "external_labels: without a cluster its series cannot be told from those of other leaves"


def _federations(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [job for job in data.get("scrape_configs") or () if (job.get("params") or {}).get("match[]")]


def _federating(data: Mapping[str, Any], rules: Sequence[Rule]) -> Iterator[str]:
    asked: list[Selector] = []
    for job in _federations(data):
        name = job.get("job_name")
        if job.get("metrics_path") != "/federate":
            yield f"job {name}: match[] is understood at metrics_path: /federate only"
        if job.get("honor_labels") is not True:
            yield f"job {name}: without honor_labels: true the job of every series becomes exported_job"
        for one in job["params"]["match[]"]:
            try:
                asked += selectors(parse(str(one)))
            except ValueError:
                continue  # told by the check of federation
    recorded = {rule.name for rule in rules if "record" in rule.data} | {"up", "ALERTS", "ALERTS_FOR_STATE"}
    for rule, query in _queries(rules):
        for name in {one.name for one in selectors(query)} - recorded:
            if name and not any(_takes(one, name) for one in asked):
                yield f"{rule.name} reads {name}, which no match[] takes"


def _takes(selector: Selector, name: str) -> bool:
    if selector.name:
        return selector.name == name
    patterns = [one.value for one in selector.matchers if one.label == "__name__" and one.operator in ("=", "=~")]
    try:
        return all(re.fullmatch(pattern, name) for pattern in patterns)
    except re.error:
        return True
