"""What all alerts of Prometheus say of themselves: labels that route them, and annotations that are read."""

from __future__ import annotations

from collections.abc import Sequence

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Expression, Stat

__all__ = ["BURN", "NO_DATA", "SLO_ABSENT", "TARGETS_ABSENT", "TARGET_DOWN", "annotate", "labels", "owner_of", "scope"]

BURN = "ErrorBudgetBurn"
SLO_ABSENT = "SLOMetricAbsent"
TARGET_DOWN = "TargetDown"
TARGETS_ABSENT = "TargetsAbsent"
NO_DATA = "NoData"
"""Follows the name of an alert that also tells where its metric is not there."""


def scope(service: str) -> dict[str, str]:
    """Give the labels that all series of a service have in Prometheus, and no series of others."""
    return {"job": service}


def labels(
    severity: str, service: str, *, slo: str = "", owner: str = "", notify: Sequence[str] = ()
) -> dict[str, str]:
    """Give the labels of an alert; those that would be empty are left out. *notify* is joined by commas."""
    given = {"notify": ",".join(notify), "owner": owner, "service": service, "severity": severity, "slo": slo}
    return {name: value for name, value in given.items() if value}


def annotate(summary: str, description: str, runbook: str) -> dict[str, str]:
    """Give what is read of an alert."""
    given = {"summary": summary, "description": description, "runbook_url": runbook}
    return {name: text for name, text in given.items() if text}


def owner_of(catalogue: Catalogue, expression: Expression, given: str) -> str:
    """Give who answers: the owner that was *given*, or that of the metric."""
    stats = [one for one in expression.walk() if isinstance(one, Stat)]
    return given or next((owner for one in stats if (owner := catalogue.instrument(one).owner)), "")
