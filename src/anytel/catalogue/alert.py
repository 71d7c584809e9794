"""Alerts: a condition that somebody has to be told of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from anytel.catalogue import declared
from anytel.catalogue.expressions import Condition, Raw
from anytel.catalogue.unusual import Anomaly
from anytel.place import declaring

__all__ = ["SEVERITIES", "Alert", "Severity"]

Severity: TypeAlias = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
"""``critical`` wakes somebody up, ``warning`` waits for the morning, ``info`` is only shown."""


class Alert:
    """Somebody is told where *condition* holds for as long as *for_*.

    Args:
        name: Letters, digits, ``-``, ``_`` and ``.``; no other alert has it.
        condition: An expression compared with a number: ``Stat(TIME, "p95") > 2``, in the metric's unit; an
            `Anomaly`, or a `Raw` query that gives a series exactly where it holds.
        severity: ``critical``, ``warning`` or ``info``.
        for_: How long it has to hold.
        recovery: The number that the value has to come back to until it is over, where the vendor knows one (Datadog).
        no_data: Also tell where the metric has not been there for that long; by default nobody is told.
        message: What is told. ``{value}``, ``{threshold}`` and each tag in *by*, as ``{endpoint}``, are filled in.
        runbook: Address of what to do.
        notify: Who is told, as names of receivers; none given: the default one.
        owner: Who answers for it; by default the owner of its metric.
    """

    def __init__(
        self,
        name: str,
        condition: Condition | Anomaly | Raw,
        *,
        severity: Severity,
        for_: str = "5m",
        no_data: str = "",
        recovery: float | None = None,
        message: str = "",
        runbook: str = "",
        notify: str | Iterable[str] = (),
        owner: str = "",
    ) -> None:
        self.place = declaring()
        self.name, self.condition, self.severity = name, condition, severity
        self.for_, self.no_data, self.message = for_, no_data, message
        self.runbook, self.owner, self.recovery = runbook, owner, recovery
        self.notify = (notify,) if isinstance(notify, str) else tuple(notify)
        declared.add(self)

    def __repr__(self) -> str:
        return f"<anytel.Alert {self.name!r}>"
