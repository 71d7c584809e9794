"""Tests of the routes: for each alert that can come, who must be told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anytel.catalogue.alert import SEVERITIES, Alert
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Condition, Expression
from anytel.generate.alertmanager.routes import NOBODY, delivery
from anytel.generate.options import Options
from anytel.generate.prometheus.labels import (
    BURN,
    NO_DATA,
    SLO_ABSENT,
    TARGET_DOWN,
    TARGETS_ABSENT,
    labels,
    owner_of,
)

__all__ = ["route_tests"]


def route_tests(catalogue: Catalogue, options: Options) -> list[Mapping[str, object]]:
    """Give the labels of each alert, the receivers it must reach in their order, and the mutes that hold for it."""
    return [_expected(catalogue, one) for one in _alerts(catalogue, options.service)]


def _alerts(catalogue: Catalogue, service: str) -> Iterator[dict[str, str]]:
    for slo in catalogue.slos:
        owner = owner_of(catalogue, slo.sli, slo.owner)
        for name, severity in ((BURN, "critical"), (BURN, "warning"), (SLO_ABSENT, "warning")):
            yield {"alertname": name, **labels(severity, service, slo=slo.name, owner=owner, notify=slo.notify)}
    for alert in catalogue.alerts:
        owner = owner_of(catalogue, _expression(alert), alert.owner)
        yield {"alertname": alert.name, **labels(alert.severity, service, owner=owner, notify=alert.notify)}
        if alert.no_data:
            name = f"{alert.name}{NO_DATA}"
            yield {"alertname": name, **labels("warning", service, owner=owner, notify=alert.notify)}
    for name in (TARGET_DOWN, TARGETS_ABSENT):
        yield {"alertname": name, **labels("critical", service)}
    for severity in SEVERITIES:
        yield {"alertname": "Undeclared", **labels(severity, service)}


def _expression(alert: Alert) -> Expression:
    condition = alert.condition
    return condition.expression if isinstance(condition, Condition) else condition


def _expected(catalogue: Catalogue, alert: dict[str, str]) -> Mapping[str, object]:
    notify = [name for name in alert.get("notify", "").split(",") if name]
    found = delivery(catalogue, alert["severity"], alert.get("owner", ""), notify)
    return {
        "labels": alert,
        "receivers": [one.name for one in found.receivers] or [NOBODY],
        **({"muted_by": list(found.mutes)} if found.mutes else {}),
    }
