"""The rules of the declared alerts, and those that every service needs: is it there at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anytel.catalogue.alert import Alert
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Condition, Expression, Latency, Ratio, Stat
from anytel.catalogue.unusual import Anomaly, Change
from anytel.generate.options import Options
from anytel.generate.prometheus.labels import (
    NO_DATA,
    TARGET_DOWN,
    TARGETS_ABSENT,
    annotate,
    labels,
    owner_of,
    scope,
)
from anytel.generate.prometheus.message import Message, said_without_threshold
from anytel.generate.prometheus.slo import Rule
from anytel.generate.promql import PromQL, quoted
from anytel.generate.spelling import Speller

__all__ = ["Watch", "target_rules"]


class Watch:
    """The rules of one alert of one *service*."""

    def __init__(self, catalogue: Catalogue, spell: Speller, alert: Alert, service: str) -> None:
        self.alert, self.service = alert, service
        self._catalogue = catalogue
        self.compiled = PromQL(catalogue, spell, scope(service))
        condition = alert.condition
        self.condition = condition if isinstance(condition, Condition) else None
        self.expression: Expression = condition.expression if isinstance(condition, Condition) else condition
        self.owner = owner_of(catalogue, self.expression, alert.owner)
        self.message = Message(catalogue, self.compiled, alert, self.condition) if self.condition is not None else None

    def rules(self) -> Iterator[Rule]:
        """Give the alert, and where it is wanted the one for its metric not being there."""
        alert = self.alert
        expr = self.compiled.condition(alert.condition)
        if not expr:
            return
        held = {"for": alert.for_} if seconds(alert.for_) else {}
        labels_of = self.compiled.labels(self.expression)
        said = (
            self.message.template()
            if self.message
            else (_named(alert.name, labels_of), said_without_threshold(alert.message, labels_of))
        )
        yield {
            "alert": alert.name,
            "expr": expr,
            **held,
            "labels": self.labels(alert.severity),
            "annotations": annotate(*said, alert.runbook),
        }
        total = self.total
        if alert.no_data and total is not None:
            yield {
                "alert": f"{alert.name}{NO_DATA}",
                "expr": f"absent(sum({self.compiled.selector(total)}))",
                "for": alert.no_data,
                "labels": self.labels("warning"),
                "annotations": self.no_data_annotations(total),
            }

    @property
    def total(self) -> Stat | None:
        """The stat without whose metric nothing can be said."""
        of = self.expression.of if isinstance(self.expression, Change | Anomaly) else self.expression
        if isinstance(of, Ratio | Latency):
            return of.total
        return of if isinstance(of, Stat) else None

    def labels(self, severity: str) -> dict[str, str]:
        """Give the labels of an alert."""
        return labels(severity, self.service, owner=self.owner, notify=self.alert.notify)

    def no_data_annotations(self, total: Stat) -> dict[str, str]:
        """Give what is read where the metric is not there."""
        name = self._catalogue.instrument(total).name
        description = f"There has been no series of {name} for {self.alert.no_data}."
        return annotate(f"{self.alert.name}: the metric is not there", description, self.alert.runbook)


def _named(name: str, labels_of: Mapping[str, str]) -> str:
    told = ", ".join(f"{tag} {{{{ $labels.{label} }}}}" for tag, label in labels_of.items())
    return f"{name}: {told}" if told else name


def target_rules(options: Options) -> list[Rule]:
    """Give the rules for a service that cannot be scraped. They inhibit the others: what is down is also slow."""
    service = options.service
    up = f"up{{job={quoted(service)}}}"
    return [
        {
            "alert": TARGET_DOWN,
            "expr": f"{up} == 0",
            "for": "2m",
            "labels": labels("critical", service),
            "annotations": annotate(
                "{{ $labels.instance }} cannot be scraped",
                f"{service} at {{{{ $labels.instance }}}} has not answered a scrape for two minutes.",
                "",
            ),
        },
        {
            "alert": TARGETS_ABSENT,
            "expr": f"absent({up})",
            "for": "5m",
            "labels": labels("critical", service),
            "annotations": annotate(
                f"{service} has no targets", f"No target of the job {service} is known to Prometheus.", ""
            ),
        },
    ]
