"""The configurations of the leaves, and of the Prometheus that federates them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from anytel.generate.options import Options
from anytel.generate.prometheus.config import config

__all__ = ["JOB", "LEAF_DOWN", "central", "leaf", "leaf_rules"]

JOB = "federate"
LEAF_DOWN = "LeafDown"


def leaf(name: str, options: Options) -> Mapping[str, Any]:
    """Give the configuration of a leaf: its label ``cluster`` is what tells it from the others everywhere."""
    labels = {**options.external_labels, "cluster": name}
    return {**config(replace(options, external_labels=labels)), "rule_files": ["rules/leaf/*.yml"]}


def central(match: Sequence[str], options: Options) -> Mapping[str, Any]:
    """Give the configuration of the central one. Labels of the leaves are kept, and it has no cluster of its own."""
    labels = {name: value for name, value in options.external_labels.items() if name != "cluster"}
    base = config(replace(options, external_labels={**labels, "monitor": "central"}))
    job = {
        "job_name": JOB,
        "honor_labels": True,
        "metrics_path": "/federate",
        "params": {"match[]": list(match)},
        "static_configs": [{"targets": list(options.leaves.values())}],
    }
    return {**base, "rule_files": ["rules/central/*.yml"], "scrape_configs": [job]}


def leaf_rules() -> Mapping[str, Any]:
    """Give the rule for a leaf that does not answer: its alerts are not evaluated then."""
    rule = {
        "alert": LEAF_DOWN,
        "expr": f'up{{job="{JOB}"}} == 0',
        "for": "2m",
        "labels": {"severity": "critical"},
        "annotations": {
            "summary": "Leaf {{ $labels.instance }} does not answer",
            "description": "What it records is not known here, so that nothing is told of its objectives.",
        },
    }
    return {"groups": [{"name": "leaves", "rules": [rule]}]}
