"""Data sources and variables: what a dashboard asks, and what of it is chosen by whoever looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from anytel.generate.promql import quoted

__all__ = [
    "CLUSTER", "INSTANCE", "LOGS", "METRICS", "Data", "clusters", "instances", "narrowed", "source", "sources",
    "text",
]  # fmt: skip

Data: TypeAlias = dict[str, Any]

METRICS, LOGS = "metrics", "logs"
CLUSTER, INSTANCE = "cluster", "instance"
_TYPES = {METRICS: "prometheus", LOGS: "loki"}
_ALL = {"text": ["All"], "value": ["$__all"]}


def source(name: str) -> Data:
    """Give the reference to a data source that is chosen by the variable *name*."""
    return {"type": _TYPES[name], "uid": f"${{{name}}}"}


def sources(*names: str) -> list[Data]:
    """Give variables that choose data sources; the first of each type is chosen until somebody does."""
    return [
        {
            "name": name,
            "label": name.capitalize(),
            "type": "datasource",
            "query": _TYPES[name],
            "refresh": 1,
            "hide": 0,
            "includeAll": False,
            "multi": False,
        }
        for name in names
    ]


def clusters(selector: str) -> Data:
    """Give the variable of the clusters in which there are such series."""
    return _of_label(CLUSTER, selector)


def instances(selector: str) -> Data:
    """Give the variable of the instances with such series, in the clusters that are chosen."""
    return _of_label(INSTANCE, selector)


def _of_label(label: str, selector: str) -> Data:
    query = f"label_values({selector}, {label})"
    return {
        "name": label,
        "label": label.capitalize(),
        "type": "query",
        "datasource": source(METRICS),
        "query": {"query": query, "refId": "labels"},
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "multi": True,
        "includeAll": True,
        # Also matches series without the label: a Prometheus by itself gives no external labels.
        "allValue": ".*",
        "current": _ALL,
    }


def text(name: str, label: str) -> Data:
    """Give a variable that is typed in; empty until somebody does."""
    return {
        "name": name,
        "label": label,
        "type": "textbox",
        "query": "",
        "current": {"text": "", "value": ""},
        "hide": 0,
    }


def narrowed(labels: Sequence[str]) -> list[str]:
    """Give matchers for the variables of these *labels*."""
    return [f"{label}=~{quoted(f'${label}')}" for label in labels]
