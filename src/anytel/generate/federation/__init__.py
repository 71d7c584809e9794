"""The target ``federation``: leaves that scrape and record, and a central Prometheus that asks them for the records.

A leaf keeps all series of its part of the world; the central one has what is recorded of them, by cluster. Alerts on
recorded series are evaluated there, once for all clusters; those on raw series, and on targets, stay at the leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anytel.catalogue.catalogue import Catalogue
from anytel.generate import prometheus
from anytel.generate.federation.config import central, leaf, leaf_rules
from anytel.generate.federation.selectors import EVERYTHING, check, wanted
from anytel.generate.options import Options
from anytel.generate.rules import Rule, divide, names_read
from anytel.generate.text import notice, yaml_text

__all__ = ["files"]


def files(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give ``federation/leaf-*.yml``, ``federation/central.yml`` and ``federation/rules/{leaf,central}/*.yml``.

    Raises:
        ConfigError: A selector or a leaf cannot be used.
    """
    match = wanted(options)
    for selector in match:
        check(selector)
    head = notice(catalogue.app, "federation")
    heavy = "# A selector takes every series: the load of all leaves together.\n" if EVERYTHING & set(match) else ""
    made: dict[str, Mapping[str, Any]] = {f"leaf-{name}.yml": leaf(name, options) for name in options.leaves}
    made |= _rules(prometheus.documents(catalogue, options))
    made["rules/central/leaves.yml"] = leaf_rules()
    written = {f"federation/{path}": yaml_text(data, head) for path, data in made.items()}
    return {**written, "federation/central.yml": yaml_text(central(match, options), head + heavy)}


def _rules(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for path, rules in documents.items():
        folder, _, name = path.partition("/")
        if folder == "rules":
            near, far = divide(rules, _on_recorded)
            found |= {f"rules/{at}/{name}": part for at, part in (("leaf", near), ("central", far)) if part["groups"]}
    return found


def _on_recorded(rule: Rule) -> bool:
    """Whether it is an alert that reads nothing but what rules record, whose names have a colon."""
    return "alert" in rule and all(":" in name for name in names_read(rule["expr"]))
