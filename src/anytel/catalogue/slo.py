"""Objectives: how many of a service's events have to be good, over how long."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from anytel.catalogue import declared
from anytel.catalogue.expressions import Latency, Ratio
from anytel.place import declaring

__all__ = ["SLO"]


class SLO:
    """A service level objective: of all events within *window*, the share *objective* has to be good.

    Every vendor gets alerts on how fast the error budget burns (Google, "The Site Reliability Workbook", chapter 5:
    several windows, several burn rates), and what remains of it.

    Args:
        name: Letters, digits, ``-``, ``_`` and ``.``; no other objective has it.
        objective: The share of good events, below 1: ``0.999``. Text and `decimal.Decimal` are exact.
        window: Over how long, in days or weeks: ``30d``.
        sli: What is good: a `Ratio` of *good* or *bad* events, or a `Latency`.
        min_events: Events that a window must have had before it alerts, so that one failure at night pages nobody.
        description: What it means to a user of the service.
        runbook: Address of what to do when it alerts.
        notify: Who is told, as names of receivers; none given: the default one.
        owner: Who answers for it; by default the owner of its metric.
    """

    def __init__(
        self,
        name: str,
        objective: Decimal | float | str,
        window: str,
        sli: Ratio | Latency,
        *,
        min_events: int = 0,
        description: str = "",
        runbook: str = "",
        notify: str | Iterable[str] = (),
        owner: str = "",
    ) -> None:
        self.place = declaring()
        self.name, self.window, self.sli, self.min_events = name, window, sli, min_events
        self.objective = _exact(objective)
        self.description, self.runbook, self.owner = description, runbook, owner
        self.notify = (notify,) if isinstance(notify, str) else tuple(notify)
        declared.add(self)

    def __repr__(self) -> str:
        return f"<anytel.SLO {self.name!r}>"

    @property
    def budget(self) -> Decimal:
        """The share of events that may be bad."""
        return 1 - self.objective


def _exact(objective: Decimal | float | str) -> Decimal:
    """Take 0.999 for what it says and not for the nearest binary fraction; what is no number is not one here either."""
    try:
        return Decimal(str(objective))
    except InvalidOperation:
        return Decimal("NaN")
