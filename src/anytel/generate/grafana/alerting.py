"""Alert rules of Grafana's own: the queries and limits of Prometheus' rules, evaluated by Grafana.

They are for those who have no Alertmanager; with both, everybody is told twice. What rules record is still recorded by
Prometheus. Their texts have no ``$``, in place of which Grafana would put variables of the environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.durations import seconds, written
from anytel.catalogue.expressions import Condition
from anytel.generate import prometheus
from anytel.generate.grafana.before import gone
from anytel.generate.grafana.datasources import PROMETHEUS
from anytel.generate.grafana.source import Data
from anytel.generate.grafana.uids import uid
from anytel.generate.options import Options
from anytel.generate.prometheus.labels import scope
from anytel.generate.promql import PromQL
from anytel.generate.queries import looks_back, parse
from anytel.generate.spelling import Speller

__all__ = ["FILE", "rules"]

FILE = "grafana/provisioning/alerting/rules.yaml"
_EVERY = 10
"""Seconds: Grafana looks at rules so often, and takes only multiples of it."""
_BACK = 600


def rules(catalogue: Catalogue, spell: Speller, options: Options) -> Data:
    """Give a group for each rule file of Prometheus, and what an earlier run has made and is no longer there."""
    conditions = {alert.name: alert.condition for alert in catalogue.alerts if isinstance(alert.condition, Condition)}
    compiled = PromQL(catalogue, spell, scope(options.service))
    groups = []
    for path, document in prometheus.documents(catalogue, options).items():
        if path.startswith("rules/"):
            for group in cast("Sequence[Mapping[str, Any]]", document["groups"]):
                alerts = [rule for rule in group["rules"] if "alert" in rule]
                made = [
                    _rule(rule, group["name"], options.service, compiled, conditions.get(rule["alert"]))
                    for rule in alerts
                ]
                if made:
                    groups.append(_group(group["name"], options, made))
    # Grafana keeps a rule that is only no longer in the file.
    vanished = gone(options.before.get(FILE, ""), _uids, _uids({"groups": groups}))
    taken = {"deleteRules": [{"orgId": 1, "uid": one} for one in vanished]} if vanished else {}
    return {"apiVersion": 1, **taken, "groups": groups}


def _group(name: str, options: Options, made: Sequence[Data]) -> Data:
    every = -(-seconds(options.evaluation_interval) // _EVERY) * _EVERY
    return {
        "orgId": 1,
        "name": f"{options.service}-{name}",
        "folder": options.service,
        "interval": written(every),
        "rules": list(made),
    }


def _rule(rule: Mapping[str, Any], group: str, service: str, compiled: PromQL, condition: Condition | None) -> Data:
    severity = str(rule["labels"].get("severity", ""))
    expr = compiled.expression(condition.expression) if condition is not None else str(rule["expr"])
    return {
        "uid": uid(service, group, str(rule["alert"]), severity),
        "title": _title(rule),
        "condition": "C",
        "data": [_query(expr), _there() if condition is None else _compared(condition, compiled)],
        "for": rule.get("for", "0s"),
        # A query that gives nothing says that nothing is wrong: each alert on missing data is a rule of its own.
        "noDataState": "OK",
        "execErrState": "Error",
        "isPaused": False,
        "labels": dict(rule["labels"]),
        "annotations": {name: _said(text) for name, text in rule["annotations"].items()},
    }


def _title(rule: Mapping[str, Any]) -> str:
    """Give the name of a rule, which no other of its folder has; those of objectives are named alike by Prometheus."""
    labels = rule["labels"]
    return " ".join([rule["alert"], labels["slo"], labels["severity"]]) if "slo" in labels else str(rule["alert"])


def _query(expr: str) -> Data:
    back = max(_BACK, int(looks_back(parse(expr))))
    model = {
        "refId": "A",
        "datasource": {"type": "prometheus", "uid": PROMETHEUS},
        "expr": expr,
        "instant": True,
        "range": False,
        "editorMode": "code",
        "intervalMs": 1000,
        "maxDataPoints": 43200,
    }
    return {
        "refId": "A",
        "relativeTimeRange": {"from": back, "to": 0},
        "datasourceUid": PROMETHEUS,
        "model": model,
    }


def _compared(condition: Condition, compiled: PromQL) -> Data:
    """Give the comparison of a query with its limit; the simple kind, which is drawn, knows only above and below."""
    limit = compiled.threshold(condition)
    if condition.operator in (">", "<"):
        evaluator = {"type": "gt" if condition.operator == ">" else "lt", "params": [float(limit)]}
        return _expression({"type": "threshold", "expression": "A", "conditions": [{"evaluator": evaluator}]})
    return _expression({"type": "math", "expression": f"$A {condition.operator} {limit}"})


def _there() -> Data:
    """Give the condition that a query has a value at all, as Prometheus sees it."""
    return _expression({"type": "math", "expression": "is_number($A)"})


def _expression(model: Data) -> Data:
    source = {"type": "__expr__", "uid": "__expr__"}
    return {
        "refId": "C",
        "relativeTimeRange": {"from": 0, "to": 0},
        "datasourceUid": "__expr__",
        "model": {"refId": "C", "datasource": source, **model},
    }


_VALUE, _LABELS = re.compile(r"\$value\b"), re.compile(r"\$labels\b")


def _said(text: str) -> str:
    """Give a template of Prometheus as one of Grafana, whose value is that of the query A."""
    return _LABELS.sub(".Labels", _VALUE.sub(".Values.A.Value", text))


def _uids(data: Mapping[str, Any]) -> list[str]:
    """Give the uids in a file of rules, those that it took away too: not every Grafana may have read it."""
    made = [str(rule["uid"]) for group in data.get("groups", ()) for rule in group["rules"]]
    return [*made, *(str(rule["uid"]) for rule in data.get("deleteRules", ()))]
