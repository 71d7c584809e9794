"""Panels: what dashboards ask, with Grafana's variables in the place of what they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from anytel.generate.checking.artefacts import Artefact, Artefacts

__all__ = ["Asked", "Data", "asked", "panels", "plain"]

Data: TypeAlias = Mapping[str, Any]

_DURATIONS = re.compile(r"\$(?:__(?:rate_interval|interval|range|auto)\b|\{__(?:rate_interval|interval|range|auto)\})")


class Asked(NamedTuple):
    """A query in PromQL, or of logs in LogQL: of which file, and of what in it."""

    path: str
    name: str
    expr: str
    logs: bool = False


def asked(artefacts: Artefacts) -> Iterator[Asked]:
    """Give the queries of rules, of dashboards and of Grafana's own rules. Those that are no PromQL are marked."""
    for rule in artefacts.rules():
        yield Asked(rule.path, rule.name, rule.expr)
    for file in artefacts.of("dashboard"):
        for panel in panels(file):
            for target in panel.get("targets") or ():
                name = f"panel {panel.get('title')!r}, {target.get('refId')}"
                logs = (target.get("datasource") or panel.get("datasource") or {}).get("type") == "loki"
                yield Asked(file.path, name, plain(str(target.get("expr", ""))), logs)
    for file in artefacts.of("provisioning"):
        for own in _rules(file):
            for query in own.get("data") or ():
                if "expr" in query.get("model", {}):
                    yield Asked(file.path, f"rule {own.get('title')}", str(query["model"]["expr"]))


def panels(file: Artefact) -> Iterator[Data]:
    """Give the panels of a dashboard, those within rows too, without the rows."""
    for one in file.data.get("panels") or ():
        for panel in (one, *(one.get("panels") or ())):
            if panel.get("type") != "row":
                yield panel


def plain(expr: str) -> str:
    """Give a query with a duration in the place of each variable of Grafana that stands for one."""
    return _DURATIONS.sub("5m", expr)


def _rules(file: Artefact) -> Iterator[Data]:
    for group in file.data.get("groups") or ():
        yield from group.get("rules") or ()
