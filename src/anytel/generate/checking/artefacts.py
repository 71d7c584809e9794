"""Artefacts: the files of a folder, read, and known for what they are by their content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

from anytel.generate.checking.finding import Finding
from anytel.generate.writer import MANIFEST

__all__ = ["Artefact", "Artefacts", "Kind", "Rule", "read"]

Kind: TypeAlias = Literal[
    "prometheus", "rules", "rule tests", "alertmanager", "route tests", "compose", "dashboard", "provisioning", "other"
]
_PROVISIONED = ("datasources", "providers", "groups", "contactPoints", "policies", "muteTimes", "templates")
"""What files of Grafana hold, one or several of them, beside ``apiVersion``."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """One file: its *path* below the folder, and what it holds."""

    path: str
    kind: Kind
    data: Any


@dataclass(frozen=True, slots=True)
class Rule:
    """One recording or alert rule."""

    path: str
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of what it records, or of the alert."""
        return str(self.data.get("record") or self.data.get("alert"))

    @property
    def expr(self) -> str:
        """Its query."""
        return str(self.data.get("expr", ""))


@dataclass(frozen=True, slots=True)
class Artefacts:
    """All files of a *folder*, and the findings on those that cannot be read."""

    folder: Path
    files: list[Artefact] = field(default_factory=list)
    unreadable: list[Finding] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Artefact]:
        """Give the files of one kind."""
        return [one for one in self.files if one.kind == kind]

    def rules(self) -> Iterator[Rule]:
        """Give all rules of all files."""
        for file in self.of("rules"):
            for group in file.data["groups"]:
                for rule in group.get("rules") or ():
                    yield Rule(file.path, rule)


def read(folder: Path) -> Artefacts:
    """Read all YAML and JSON files below *folder*."""
    found = Artefacts(folder)
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".yml", ".yaml", ".json") and path.is_file() and path.name != MANIFEST:
            name = path.relative_to(folder).as_posix()
            try:
                text = path.read_text(encoding="utf-8")
                data = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
            except (OSError, ValueError, yaml.YAMLError) as exc:
                found.unreadable.append(Finding("readable", "failed", name, " ".join(str(exc).split())))
            else:
                found.files.append(Artefact(name, _kind(data), data))
    return found


def _kind(data: object) -> Kind:
    if isinstance(data, list):
        tests = data and all(isinstance(one, dict) and {"labels", "receivers"} <= one.keys() for one in data)
        return "route tests" if tests else "other"
    if not isinstance(data, dict):
        return "other"
    if isinstance(data.get("services"), dict):
        return "compose"
    if "schemaVersion" in data and "panels" in data:
        return "dashboard"
    if "apiVersion" in data and any(
        name in data or f"delete{name[0].upper()}{name[1:]}" in data for name in _PROVISIONED
    ):
        return "provisioning"
    if "tests" in data and "rule_files" in data:
        return "rule tests"
    if isinstance(data.get("groups"), list) and "apiVersion" not in data:
        return "rules"
    if "scrape_configs" in data or "rule_files" in data:
        return "prometheus"
    return "alertmanager" if "route" in data and "receivers" in data else "other"
