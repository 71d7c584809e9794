"""Divides the rules: Prometheus evaluates those for which it keeps samples long enough, Thanos' ruler the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anytel.catalogue.durations import seconds
from anytel.generate.queries import looks_back, parse
from anytel.generate.rules import Groups, Rule, divide, names_read

__all__ = ["divided"]


def divided(documents: Mapping[str, Mapping[str, Any]], kept: str) -> dict[str, Mapping[str, Any]]:
    """Give Prometheus' configuration and rules, and below ``thanos/rules`` those that look back further than *kept*."""
    found: dict[str, Mapping[str, Any]] = {"prometheus/prometheus.yml": documents["prometheus.yml"]}
    for path, rules in documents.items():
        if path.startswith("rules/"):
            near, far = _divided(rules, seconds(kept))
            found |= {
                f"{server}/{path}": part for server, part in (("prometheus", near), ("thanos", far)) if part["groups"]
            }
    if not any(path.startswith("thanos/") for path in found):
        found["thanos/rules/none.yml"] = {"groups": []}
    return found


def _divided(rules: Groups, kept: int) -> tuple[Groups, Groups]:
    every = [rule for group in rules["groups"] for rule in group["rules"]]
    distant = {str(rule.get("record")) for rule in every if looks_back(parse(rule["expr"])) > kept}

    def beyond(rule: Rule) -> bool:
        """Whether it looks back too far, or reads what such a rule records."""
        return looks_back(parse(rule["expr"])) > kept or bool(names_read(rule["expr"]) & distant)

    return divide(rules, beyond)
