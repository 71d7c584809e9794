"""Loki's rules: queries are LogQL, streams are told apart by few labels, and what is told says something."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from anytel.generate.checking.artefacts import Artefacts
from anytel.generate.checking.finding import Finding
from anytel.generate.logql import METADATA, read

__all__ = ["loki_checks"]

_SELECTOR = re.compile(r"\{([^}]*)\}")


def loki_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Check each rule of each file."""
    for file in artefacts.of("loki rules"):
        rules = [rule for group in file.data["groups"] for rule in group.get("rules") or ()]
        found = [f"{_name(rule)}: {wrong}" for rule in rules for wrong in _problems(rule)]
        yield from [Finding("logql", "failed", file.path, wrong) for wrong in found]
        if not found:
            yield Finding("logql", "passed", file.path)


def _problems(rule: Mapping[str, Any]) -> Iterator[str]:
    query = str(rule.get("expr", ""))
    try:
        read(query)
    except ValueError as exc:
        yield f"{exc}: {query}"
        return
    for labels in _SELECTOR.findall(query):
        for name in METADATA:
            if re.search(rf"\b{name}\s*[=!]", labels):
                yield f"{name} is no label, of which there would be a stream for each; write | {name}=... after it"
    if "alert" in rule:
        said = {**(rule.get("labels") or {}), **(rule.get("annotations") or {})}
        yield from (f"it has no {name}" for name in ("severity", "summary") if not said.get(name))


def _name(rule: Mapping[str, Any]) -> str:
    return str(rule.get("alert") or rule.get("record"))
