"""Divides the rules: Prometheus evaluates those for which it keeps samples long enough, Thanos' ruler the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from anytel.catalogue.durations import seconds
from anytel.generate.options import Options
from anytel.generate.text import yaml_text

__all__ = ["divided"]

_WINDOW = re.compile(r"\[((?:\d+[ywdhms])+)[]:]")


def divided(files: Mapping[str, str], options: Options) -> dict[str, str]:
    """Give Prometheus' files, and below ``thanos/rules`` those rules that look back further than it can."""
    found: dict[str, str] = {}
    for path, text in files.items():
        if not path.startswith("prometheus/rules/"):
            if not path.startswith("prometheus/tests/"):
                found[path] = text
            continue
        near, far = _split(yaml.safe_load(text), seconds(options.retention))
        head = "".join(line + "\n" for line in text.split("\n") if line.startswith("#"))
        found |= {path: yaml_text(near, head)} if near["groups"] else {}
        found |= {path.replace("prometheus", "thanos", 1): yaml_text(far, head)} if far["groups"] else {}
    return found


def _split(rules: Mapping[str, Any], kept: int) -> tuple[dict[str, Any], dict[str, Any]]:
    near: list[dict[str, Any]] = []
    far: list[dict[str, Any]] = []
    for group in rules["groups"]:
        distant = {str(rule.get("record")) for rule in group["rules"] if _looks_back(str(rule["expr"])) > kept}
        later = [rule for rule in group["rules"] if _reads(rule, distant)]
        for groups, chosen in ((near, [one for one in group["rules"] if one not in later]), (far, later)):
            if chosen:
                groups.append({**group, "rules": chosen})
    return {"groups": near}, {"groups": far}


def _reads(rule: Mapping[str, Any], distant: set[str]) -> bool:
    """Whether a rule is one of the *distant* ones, or needs what they record."""
    return rule.get("record") in distant or any(name in str(rule["expr"]) for name in distant)


def _looks_back(expr: str) -> int:
    return max((seconds(window) for window in _WINDOW.findall(expr)), default=0)
