"""Monitors: one for each alert, or for two that differ in severity and number only, as bodies of Datadog's API.

https://docs.datadoghq.com/api/latest/monitors/#create-a-monitor
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from anytel.catalogue.alert import Alert
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.delivery import receivers_of
from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Condition, Expression, Raw, Stat
from anytel.catalogue.receiver import Receiver
from anytel.catalogue.stats import stat_of
from anytel.catalogue.validate import problem
from anytel.errors import DeclarationError
from anytel.generate.datadog.message import Told, filled, message, variable
from anytel.generate.datadog.ql import DatadogQL, UnsaidError
from anytel.generate.datadog.watch import Watched, percent, watched
from anytel.generate.prometheus.labels import owner_of
from anytel.generate.prometheus.message import usual
from anytel.generate.spelling import Speller

__all__ = ["MANAGED", "PRIORITY", "Body", "Monitors", "plain_number"]

Body: TypeAlias = Mapping[str, Any]

MANAGED = "managed-by:anytel"
"""The tag of all that is generated."""
PRIORITY: Mapping[str, int] = {"critical": 1, "warning": 3, "info": 5}
_REPEAT = {"critical": 240, "warning": 1440, "info": 0}
"""Minutes after which it is told again; 0 is never."""


@dataclass(frozen=True, slots=True)
class _One:
    """An alert and what it watches."""

    alert: Alert
    watched: Watched


class Monitors:
    """The monitors of one service's alerts. What Datadog cannot watch is in *left_out*, with the reason."""

    def __init__(self, catalogue: Catalogue, spell: Speller, compiled: DatadogQL, service: str) -> None:
        self._catalogue, self._spell, self._compiled, self._service = catalogue, spell, compiled, service
        self.left_out: dict[str, str] = {}
        self._alerts: list[_One] = []
        for alert in catalogue.alerts:
            try:
                self._alerts.append(_One(alert, watched(catalogue, compiled, alert)))
            except UnsaidError as exc:
                self.left_out[alert.name] = str(exc)

    def bodies(self) -> Iterator[tuple[str, Body]]:
        """Give each monitor with the name of its main alert.

        Raises:
            DeclarationError: A warning would come after what it warns of.
        """
        wrong, made = [], []
        for main, warning in self._pairs():
            if warning is not None and not _before(warning.watched, main.watched):
                wrong.append(_late(warning.alert, main.alert))
            made.append((main.alert.name, self._body(main, warning)))
        if wrong:
            raise DeclarationError(wrong)
        yield from made

    def receivers(self, alert: Alert) -> list[Receiver]:
        """Give who is told of an alert."""
        return receivers_of(self._catalogue.receivers, alert.severity, self._owner(alert), alert.notify)

    def _pairs(self) -> Iterator[tuple[_One, _One | None]]:
        """Give each alert, a critical one together with the warning on the same query."""
        warnings = {_key(one): one for one in self._alerts if one.alert.severity == "warning"}
        paired = {
            one.alert.name: warnings[_key(one)]
            for one in self._alerts
            if one.alert.severity == "critical" and _key(one) in warnings
        }
        taken = {one.alert.name for one in paired.values()}
        for one in self._alerts:
            if one.alert.name not in taken:
                yield one, paired.get(one.alert.name)

    def _body(self, main: _One, warning: _One | None) -> Body:
        alert = main.alert
        owner = self._owner(alert)
        names = [alert.name, *([warning.alert.name] if warning else [])]
        return {
            "name": f"[{self._service}] {alert.name}{self._grouped(alert)}",
            "type": "query alert",
            "query": main.watched.text,
            "message": message(self._cases(main, warning), alert.name, alert.runbook),
            "tags": [
                MANAGED,
                f"service:{self._service}",
                *([f"team:{owner}"] if owner else []),
                *(f"alert:{name.lower()}" for name in names),
            ],
            "priority": PRIORITY[alert.severity],
            "options": self._options(main, warning),
        }

    def _options(self, main: _One, warning: _One | None) -> Body:
        watch, alert = main.watched, main.alert
        thresholds = {"critical": plain_number(watch.threshold)}
        if watch.recovery is not None:
            thresholds["critical_recovery"] = plain_number(watch.recovery)
        if warning is not None:
            thresholds["warning"] = plain_number(warning.watched.threshold)
            if warning.watched.recovery is not None:
                thresholds["warning_recovery"] = plain_number(warning.watched.recovery)
        told: dict[str, Any] = {"thresholds": thresholds}
        if watch.trigger:
            told["threshold_windows"] = {"trigger_window": watch.trigger, "recovery_window": watch.recover}
        told["notify_no_data"] = bool(alert.no_data)
        if alert.no_data:
            # Datadog wants at least twice the window, as points may come late.
            told["no_data_timeframe"] = -(-max(seconds(alert.no_data), 2 * watch.window) // 60)
        return {
            **told,
            "include_tags": True,
            "notify_audit": False,
            "new_group_delay": 60,
            "renotify_interval": _REPEAT[alert.severity],
            "require_full_window": False,
        }

    def _cases(self, main: _One, warning: _One | None) -> Mapping[str, Told]:
        cases: dict[str, Told] = {"alert": (self._said(main.alert, "threshold"), self.receivers(main.alert))}
        if warning is not None:
            cases["warning"] = (self._said(warning.alert, "warn_threshold"), self.receivers(warning.alert))
        if main.alert.no_data:
            text = f"{main.alert.name}: there has been no data for {main.alert.no_data}."
            cases["no_data"] = (text, self.receivers(main.alert))
        return cases

    def _said(self, alert: Alert, threshold: str) -> str:
        expression, unit = self._expression(alert), self._unit(alert)
        text = alert.message
        if not text:
            plain = isinstance(alert.condition, Condition)
            text = usual(self._catalogue, alert.condition) if plain else f"{alert.name}."  # type: ignore[arg-type]
        stat = next((one for one in expression.walk() if isinstance(one, Stat)), None)
        tags = self._spell(self._catalogue.instrument(stat)).tags if stat else {}
        known = {tag: variable(tags[tag]) for tag in expression.by if stat}
        filled_in = {**known, "value": f"{{{{value}}}}{unit}", "threshold": f"{{{{{threshold}}}}}{unit}"}
        return filled(text, filled_in)

    def _unit(self, alert: Alert) -> str:
        """Give what stands after a number: a percent sign, or the metric's unit."""
        expression = self._expression(alert)
        if percent(expression):
            return " %"
        if not isinstance(expression, Stat):
            return ""
        instrument = self._catalogue.instrument(expression)
        events = stat_of(expression, instrument) in ("rate", "increase")
        plain = events or instrument.unit in ("", "1") or instrument.unit.startswith("{")
        return "" if plain else f" {instrument.unit}"

    def _expression(self, alert: Alert) -> Expression:
        condition = alert.condition
        return condition.expression if isinstance(condition, Condition) else condition

    def _owner(self, alert: Alert) -> str:
        return owner_of(self._catalogue, self._expression(alert), alert.owner)

    def _grouped(self, alert: Alert) -> str:
        """Give the part of the name that tells for what it alerts."""
        if isinstance(alert.condition, Raw):
            return ""
        groups = self._compiled.groups(self._expression(alert))
        return f": {', '.join(map(variable, groups))}" if groups else ""


def plain_number(value: Decimal) -> int | float:
    """Give a number for JSON: whole where it is whole."""
    return int(value) if value == value.to_integral_value() else float(value)


def _key(one: _One) -> tuple[str, str]:
    return one.watched.query, one.watched.comparator


def _before(warning: Watched, critical: Watched) -> bool:
    """Whether the warning comes first, on the way to what is critical."""
    upwards = critical.comparator.startswith(">")
    return warning.threshold < critical.threshold if upwards else warning.threshold > critical.threshold


def _late(warning: Alert, critical: Alert) -> str:
    wrong = f"it warns only beyond where {critical.name!r}, at {critical.place}, alerts already"
    condition = critical.condition
    side = "below" if isinstance(condition, Condition) and condition.operator.startswith(">") else "above"
    limit = condition.threshold if isinstance(condition, Condition) else ""
    return problem(warning.place, f"alert {warning.name!r}", wrong, f"Give it a number {side} {limit}.")
