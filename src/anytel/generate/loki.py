"""The target ``loki``: rules for Loki's ruler, which alert on log lines, and are told by the same Alertmanager."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from decimal import Decimal

from anytel.catalogue.alert import Alert
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Condition, Raw
from anytel.catalogue.lines import Lines
from anytel.errors import DeclarationError
from anytel.generate.logql import LogQL, field, read
from anytel.generate.options import Options
from anytel.generate.prometheus.labels import annotate, labels, owner_of
from anytel.generate.prometheus.message import plain
from anytel.generate.promql import number
from anytel.generate.raw import unreadable
from anytel.generate.text import notice, yaml_text

__all__ = ["TENANT", "files", "rules"]

TENANT = "fake"
"""The folder of the rules of a Loki without tenants, by Loki's own word."""


def files(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give ``loki/rules/fake/alerts.yml``; nothing where no alert is on log lines.

    Raises:
        DeclarationError: A query in Loki's words cannot be read.
    """
    wrong = [*unreadable(catalogue, "logql", read)]
    if wrong:
        raise DeclarationError(wrong)
    found = rules(catalogue, options.service)
    text = yaml_text({"groups": [{"name": "logs", "rules": found}]}, notice(catalogue.app, "loki"))
    return {f"loki/rules/{TENANT}/alerts.yml": text} if found else {}


def rules(catalogue: Catalogue, service: str) -> list[Mapping[str, object]]:
    """Give the rule of each alert on log lines."""
    return [rule for alert in catalogue.alerts for rule in _rule(catalogue, alert, service)]


def _rule(catalogue: Catalogue, alert: Alert, service: str) -> Iterator[Mapping[str, object]]:
    condition = alert.condition
    if isinstance(condition, Condition) and isinstance(condition.expression, Lines):
        expr, by = LogQL(service).condition(condition), condition.expression.by
        threshold = number(Decimal(str(condition.threshold)))
    elif isinstance(condition, Raw) and condition.logql:
        expr, by, threshold = condition.logql.strip(), (), ""
    else:
        return
    expression = condition.expression if isinstance(condition, Condition) else condition
    owner = owner_of(catalogue, expression, alert.owner)
    known = {"value": "{{ $value }}", "threshold": threshold, **{tag: f"{{{{ $labels.{field(tag)} }}}}" for tag in by}}
    told = ", ".join(f"{tag} {known[tag]}" for tag in by)
    yield {
        "alert": alert.name,
        "expr": expr,
        **({"for": alert.for_} if seconds(alert.for_) else {}),
        "labels": labels(alert.severity, service, owner=owner, notify=alert.notify),
        "annotations": annotate(
            f"{alert.name}: {told}" if told else alert.name, _filled(alert.message, known), alert.runbook
        ),
    }


def _filled(text: str, known: Mapping[str, str]) -> str:
    parts = string.Formatter().parse(text)
    return "".join(plain(literal) + ("" if name is None else known[name]) for literal, name, _, _ in parts)
