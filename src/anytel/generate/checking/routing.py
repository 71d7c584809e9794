"""Alertmanager's configuration against the alerts and templates beside it: names that nothing has match nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from anytel.catalogue.alert import SEVERITIES
from anytel.generate.checking.artefacts import Artefact, Artefacts
from anytel.generate.checking.finding import Finding
from anytel.generate.prometheus.labels import BURN, SLO_ABSENT, TARGET_DOWN, TARGETS_ABSENT

__all__ = ["routing_checks"]

_OURS = {"alertname", "owner", "notify", "service", "severity", "slo", "cluster", "instance", "job", "replica"}
"""Labels that alerts of ours may have; some have none of an owner, and are equal in that."""
_MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"?(.*?)"?\s*')
_WORDS = re.compile(r"\w+(\|\w+)*")
_USED = re.compile(r'\{\{-?\s*template\s+"([^"]+)"')
_DEFINED = re.compile(r'\{\{-?\s*define\s+"([^"]+)"')
_BUILT_IN = re.compile(r"__.+|.+\.default\..+")


def routing_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Check each configuration; with alerts only where there are some in the folder."""
    alerts = [rule.data for rule in artefacts.rules() if "alert" in rule.data]
    for file in artefacts.of("alertmanager"):
        found = [*_templates(artefacts, file), *(_names(file.data, alerts) if alerts else ())]
        yield from [Finding("routing", "failed", file.path, wrong) for wrong in dict.fromkeys(found)]
        if not found:
            yield Finding("routing", "passed", file.path)


def _templates(artefacts: Artefacts, file: Artefact) -> Iterator[str]:
    """Amtool reads the templates, and is content with a pattern that matches no file."""
    beside, defined = (artefacts.folder / file.path).parent, set[str]()
    for pattern in file.data.get("templates") or ():
        if str(pattern).startswith(("/", "../")):
            return  # they are elsewhere
        paths = [path for path in beside.glob(str(pattern)) if path.is_file()]
        if not paths:
            yield f"templates: there is no {pattern}"
        defined |= {name for path in paths for name in _DEFINED.findall(path.read_text(encoding="utf-8"))}
    for name in sorted(set(_USED.findall(repr(file.data["receivers"]))) - defined):
        if not _BUILT_IN.fullmatch(name):
            yield f"receivers: no template defines {name!r}, so that no message can be written"


def _names(data: Mapping[str, Any], alerts: list[dict[str, Any]]) -> Iterator[str]:
    known = {
        "alertname": {BURN, SLO_ABSENT, TARGET_DOWN, TARGETS_ABSENT, *(str(one["alert"]) for one in alerts)},
        "severity": {*SEVERITIES, *(str((one.get("labels") or {}).get("severity")) for one in alerts)},
    }
    labels = _OURS | {label for one in alerts for label in one.get("labels") or ()}
    for rule in data.get("inhibit_rules") or ():
        for label in rule.get("equal") or ():
            if label not in labels:
                yield f"equal: no alert has the label {label!r}, so that it is equal in all of them"
        for side in ("source_matchers", "target_matchers"):
            yield from _unmatched(rule.get(side) or (), labels, known)
    yield from _routed(data["route"], labels, known)


def _routed(route: Mapping[str, Any], labels: set[str], known: Mapping[str, set[str]]) -> Iterator[str]:
    yield from _unmatched(route.get("matchers") or (), labels, known)
    for label in route.get("group_by") or ():
        if label not in labels | {"..."}:
            yield f"group_by: no alert has the label {label!r}"
    for one in route.get("routes") or ():
        yield from _routed(one, labels, known)


def _unmatched(matchers: list[str], labels: set[str], known: Mapping[str, set[str]]) -> Iterator[str]:
    for matcher in matchers:
        found = _MATCHER.fullmatch(str(matcher))
        if found is None:
            continue  # amtool tells
        label, operator, value = found.groups()
        if label not in labels:
            yield f"{matcher}: no alert has the label {label!r}"
        plain = [value] if operator in ("=", "!=") else value.split("|") if _WORDS.fullmatch(value) else []
        for one in plain:
            if label in known and one not in known[label]:
                yield f"{matcher}: no alert has the {label} {one!r}"
