"""Objectives, and the monitors on how fast their error budgets burn.

https://docs.datadoghq.com/api/latest/service-level-objectives/, and for the monitors
https://docs.datadoghq.com/service_level_objectives/burn_rate/ and .../error_budget/.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from anytel.catalogue.burn import Burn, burns
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.delivery import receivers_of
from anytel.catalogue.durations import seconds
from anytel.catalogue.slo import SLO
from anytel.generate.datadog.message import message
from anytel.generate.datadog.monitors import MANAGED, PRIORITY, Body, plain_number
from anytel.generate.datadog.ql import DatadogQL, UnsaidError
from anytel.generate.prometheus.labels import owner_of
from anytel.generate.promql import number

__all__ = ["Objectives", "placeholder"]

_TIMEFRAMES = {7 * 86_400: "7d", 30 * 86_400: "30d", 90 * 86_400: "90d"}
_LONGEST = 48 * 3600
"""Seconds that a burn rate can look back on."""
_SPENT = 75
"""Percent of the budget that are spent when that is told, in place of the burn rates over longer times."""


def placeholder(name: str) -> str:
    """Give what stands for the id of an objective, which Datadog makes when it is created."""
    return f"SLO_ID:{name}"


class Objectives:
    """The objectives of one service. What Datadog cannot count is in *left_out*, with the reason."""

    def __init__(self, catalogue: Catalogue, compiled: DatadogQL, service: str) -> None:
        self._catalogue, self._service = catalogue, service
        self.left_out: dict[str, str] = {}
        self._queries: dict[str, Body] = {}
        for slo in catalogue.slos:
            try:
                self._queries[slo.name] = _query(compiled, slo)
            except UnsaidError as exc:
                self.left_out[slo.name] = str(exc)

    @property
    def kept(self) -> list[SLO]:
        """The objectives that Datadog can count."""
        return [one for one in self._catalogue.slos if one.name in self._queries]

    def bodies(self) -> Iterator[tuple[str, Body]]:
        """Give each objective with its name."""
        for slo in self.kept:
            timeframe, target = _TIMEFRAMES[seconds(slo.window)], slo.objective * 100
            warning = target + slo.budget * 50
            limits = {"target": plain_number(target), "warning": plain_number(warning)}
            yield (
                slo.name,
                {
                    "name": f"[{self._service}] {slo.name}",
                    "type": "metric",
                    "description": slo.description,
                    "tags": self._tags(slo),
                    "query": self._queries[slo.name],
                    "thresholds": [{"timeframe": timeframe, **limits}],
                    "timeframe": timeframe,
                    "target_threshold": limits["target"],
                    "warning_threshold": limits["warning"],
                },
            )

    def monitors(self) -> Iterator[tuple[str, Body]]:
        """Give the monitors of all objectives, each with its name."""
        for slo in self.kept:
            for burn in burns(slo.window):
                if seconds(burn.long) <= _LONGEST:
                    yield f"slo-{slo.name}-burn-{burn.long}", self._burn(slo, burn)
            yield f"slo-{slo.name}-budget", self._budget(slo)

    def _burn(self, slo: SLO, burn: Burn) -> Body:
        over = _TIMEFRAMES[seconds(slo.window)]
        windows = f'.over("{over}").long_window("{burn.long}").short_window("{burn.short}")'
        query = f'burn_rate("{placeholder(slo.name)}"){windows} > {number(burn.factor)}'
        said = f"{slo.name}: {number(burn.percent)} % of the error budget of {over} have gone within {burn.long}."
        return self._monitor(slo, f"burns fast over {burn.long}", query, burn.factor, burn.severity, said)

    def _budget(self, slo: SLO) -> Body:
        over = _TIMEFRAMES[seconds(slo.window)]
        query = f'error_budget("{placeholder(slo.name)}").over("{over}") > {_SPENT}'
        said = f"{slo.name}: {_SPENT} % of the error budget of {over} have gone."
        return self._monitor(slo, "most of the budget has gone", query, Decimal(_SPENT), "warning", said)

    def _monitor(self, slo: SLO, what: str, query: str, threshold: Decimal, severity: str, said: str) -> Body:
        receivers = receivers_of(self._catalogue.receivers, severity, self._owner(slo), slo.notify)
        return {
            "name": f"[{self._service}] {slo.name}: {what}",
            "type": "slo alert",
            "query": query,
            "message": message({"alert": (said, receivers)}, f"{slo.name}: {what}", slo.runbook),
            "tags": [*self._tags(slo), f"slo:{slo.name.lower()}"],
            "priority": PRIORITY[severity],
            "options": {
                "thresholds": {"critical": plain_number(threshold)},
                "include_tags": True,
                "notify_audit": False,
            },
        }

    def _tags(self, slo: SLO) -> list[str]:
        owner = self._owner(slo)
        return [MANAGED, f"service:{self._service}", *([f"team:{owner}"] if owner else [])]

    def _owner(self, slo: SLO) -> str:
        return owner_of(self._catalogue, slo.sli, slo.owner)


def _query(compiled: DatadogQL, slo: SLO) -> Body:
    if seconds(slo.window) not in _TIMEFRAMES:
        known = ", ".join(_TIMEFRAMES.values())
        raise UnsaidError(f"Datadog has objectives over {known}, and not over {slo.window}")
    return {"numerator": compiled.good(slo.sli), "denominator": compiled.events(slo.sli)}
