"""The rules of an objective: the share of bad events over several windows, the error budget, and alerts on its burning.

Names are sloth's where it has them. Alerts are those of "The Site Reliability Workbook", chapter 5: a long window that
much was lost in, and a short one that says it is still going on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TypeAlias

from anytel.catalogue.alert import SEVERITIES
from anytel.catalogue.burn import Burn, burns
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Latency, Ratio, Stat
from anytel.catalogue.slo import SLO
from anytel.catalogue.stats import asking
from anytel.generate.prometheus.humanize import humanize_percentage
from anytel.generate.prometheus.labels import BURN, SLO_ABSENT, annotate, labels, owner_of, scope
from anytel.generate.prometheus.message import plain
from anytel.generate.promql import PromQL, number, quoted
from anytel.generate.spelling import Speller

__all__ = ["ABSENT_FOR", "Objective", "Rule", "counted", "per_second"]

Rule: TypeAlias = Mapping[str, object]

ABSENT_FOR = "10m"
"""How long an objective's metric has to be missing before somebody is told."""
_SUMMED = ("errors", "events")
_FINE = Decimal("0.0001")
"""Of a burn rate: 28 days give periodic fractions."""


class Objective:
    """The rules of one objective of one *service*."""

    def __init__(self, catalogue: Catalogue, spell: Speller, slo: SLO, service: str) -> None:
        self.slo, self.service = slo, service
        self._catalogue, self._spell = catalogue, spell
        self.sli = per_second(slo.sli)
        self.owner = owner_of(catalogue, slo.sli, slo.owner)
        self.burns = burns(slo.window)
        self.labels = {"service": service, "slo": slo.name}
        self._where = f"{{service={quoted(service)},slo={quoted(slo.name)}}}"

    def group(self) -> Mapping[str, object]:
        """Give all rules; later ones use what earlier ones record."""
        return {"name": f"slo-{self.slo.name}", "rules": [*self.recording(), *self.alerts()]}

    def recording(self) -> Iterator[Rule]:
        """Give what is recorded."""
        windows = {window for burn in self.burns for window in (burn.short, burn.long)}
        for window in sorted(windows, key=seconds):
            compiled = self._over(window)
            share = f"{compiled.errors(self.sli)} / ({compiled.events(self.sli)} > 0)"
            yield self._record(f"slo:sli_error:ratio_rate{window}", share)
        recent = self._over("5m")
        yield self._record("slo:sli_errors:rate5m", recent.errors(self.sli))
        yield self._record("slo:sli_events:rate5m", recent.events(self.sli))
        period = self.slo.window
        errors, events = (f"sum_over_time({self._recorded(f'slo:sli_{what}:rate5m')}[{period}])" for what in _SUMMED)
        yield self._record(f"slo:sli_error:ratio_rate{period}", f"{errors} / ({events} > 0)")
        yield self._record("slo:objective:ratio", f"vector({number(self.slo.objective)})")
        spent = self._recorded(f"slo:sli_error:ratio_rate{period}")
        yield self._record("slo:error_budget_remaining:ratio", f"1 - {spent} / {number(self.slo.budget)}")

    def alerts(self) -> Iterator[Rule]:
        """Give one alert for each severity, and one for a metric that is not there."""
        for severity in SEVERITIES:
            rows = [burn for burn in self.burns if burn.severity == severity]
            if rows:
                yield {
                    "alert": BURN,
                    "expr": " or ".join(map(self._burning, rows)),
                    "labels": self.alert_labels(severity),
                    "annotations": self.annotations(rows, "{{ $value | humanizePercentage }}"),
                }
        yield {
            "alert": SLO_ABSENT,
            "expr": f"absent(sum({self._over('5m').selector(self.sli.total)}))",
            "for": ABSENT_FOR,
            "labels": self.alert_labels("warning"),
            "annotations": self.absent_annotations(),
        }

    def alert_labels(self, severity: str) -> dict[str, str]:
        """Give the labels of an alert."""
        return labels(severity, self.service, slo=self.slo.name, owner=self.owner, notify=self.slo.notify)

    def annotations(self, rows: list[Burn], value: str) -> dict[str, str]:
        """Give what is read of an alert on burning, with *value* as the share of bad events."""
        slo = self.slo
        windows = " or ".join(row.long for row in rows)
        allowed = humanize_percentage(float(slo.budget))
        description = (
            f"{plain(slo.description) or f'Objective {slo.name}'}: {value} of the events were bad within {windows}, "
            f"and {allowed} may be over {slo.window}."
        )
        return annotate(f"{slo.name}: the error budget is burning too fast", description, slo.runbook)

    def absent_annotations(self) -> dict[str, str]:
        """Give what is read where the metric is not there."""
        name = self._catalogue.instrument(self.sli.total).name
        description = f"There has been no series of {name} for {ABSENT_FOR}: nothing can be said of the objective."
        return annotate(f"{self.slo.name}: the metric is not there", description, self.slo.runbook)

    def _burning(self, burn: Burn) -> str:
        limit = f"{number(burn.factor.quantize(_FINE).normalize())} * {number(self.slo.budget)}"
        terms = [
            f"{self._recorded(f'slo:sli_error:ratio_rate{window}')} > {limit}" for window in (burn.long, burn.short)
        ]
        if self.slo.min_events:
            events = self._over(burn.long).expression(counted(self.sli.total))
            terms.append(f"on () ({events} > {self.slo.min_events})")
        return f"({' and '.join(terms)})"

    def _over(self, window: str) -> PromQL:
        return PromQL(self._catalogue, self._spell, scope(self.service), window)

    def _record(self, name: str, expr: str) -> Rule:
        return {"record": name, "expr": expr, "labels": dict(self.labels)}

    def _recorded(self, name: str) -> str:
        return name + self._where


def per_second(sli: Ratio | Latency) -> Ratio | Latency:
    """Give an indicator of rates, whichever way its numbers of events were given."""
    if isinstance(sli, Latency):
        return sli
    made = Ratio(total=asking(sli.total, "rate"), **{sli.share: asking(sli.part, "rate")})
    made.place = sli.place
    return made


def counted(stat: Stat) -> Stat:
    """Give the number of events of a stat."""
    return asking(stat, "increase")
