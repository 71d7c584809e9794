"""What each vendor is asked for an expression, for the handbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from anytel.backend import Spelling
from anytel.catalogue.alert import Alert
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Condition, Expression, Raw
from anytel.catalogue.lines import Lines
from anytel.catalogue.slo import SLO
from anytel.generate.datadog import scope as datadog_scope
from anytel.generate.datadog.ql import DatadogQL, UnsaidError
from anytel.generate.datadog.slos import Objectives
from anytel.generate.datadog.watch import watched
from anytel.generate.logql import LogQL
from anytel.generate.options import Options
from anytel.generate.prometheus.labels import scope as prometheus_scope
from anytel.generate.promql import PromQL
from anytel.generate.spelling import backends, speller
from anytel.metrics.instruments import Instrument

__all__ = ["Query", "Vendors"]


@dataclass(frozen=True, slots=True)
class Query:
    """A query in a *language*, or why there is none."""

    vendor: str
    language: str
    text: str = ""
    reason: str = ""


class Vendors:
    """Asks the vendors whose backends are installed."""

    def __init__(self, catalogue: Catalogue, options: Options) -> None:
        self._catalogue = catalogue
        self._spellers = {name: speller(name) for name in ("prometheus", "datadog") if name in backends()}
        spell = self._spellers["prometheus"]
        self._promql = PromQL(catalogue, spell, prometheus_scope(options.service))
        self._logql = LogQL(options.service)
        self._datadog: DatadogQL | None = None
        if "datadog" in self._spellers:
            by = options.datadog_by
            self._datadog = DatadogQL(catalogue, self._spellers["datadog"], datadog_scope(options), by)
            plain = DatadogQL(catalogue, self._spellers["datadog"], datadog_scope(options))
            self._objectives = Objectives(catalogue, plain, options.service)

    def names(self, instrument: Instrument) -> Mapping[str, Spelling]:
        """Give what each calls a metric."""
        return {name: spell(instrument) for name, spell in self._spellers.items()}

    def expression(self, expression: Expression) -> Iterator[Query]:
        """Give what is asked for the value of an expression."""
        yield self._prometheus(self._promql.expression(expression))
        if isinstance(expression, Lines):
            yield Query("Loki", "logql", self._logql.expression(expression))
        elif isinstance(expression, Raw) and expression.logql:
            yield Query("Loki", "logql", expression.logql.strip())
        if self._datadog is not None:
            try:
                yield Query("Datadog", "text", self._datadog.expression(expression))
            except UnsaidError as exc:
                yield Query("Datadog", "text", reason=str(exc))

    def alert(self, alert: Alert) -> Iterator[Query]:
        """Give what is watched."""
        yield self._prometheus(self._promql.condition(alert.condition))
        condition = alert.condition
        if isinstance(condition, Condition) and isinstance(condition.expression, Lines):
            yield Query("Loki", "logql", self._logql.condition(condition))
        elif isinstance(condition, Raw) and condition.logql:
            yield Query("Loki", "logql", condition.logql.strip())
        if self._datadog is not None:
            try:
                yield Query("Datadog", "text", watched(self._catalogue, self._datadog, alert).text)
            except UnsaidError as exc:
                yield Query("Datadog", "text", reason=str(exc))

    def slo(self, slo: SLO) -> Iterator[Query]:
        """Give what is counted: the share of bad events, and good and all events."""
        errors, events = self._promql.errors(slo.sli), self._promql.events(slo.sli)
        yield self._prometheus(f"{errors} / ({events} > 0)")
        if self._datadog is None:
            return
        body = dict(self._objectives.bodies()).get(slo.name)
        if body is None:
            yield Query("Datadog", "text", reason=self._objectives.left_out[slo.name])
        else:
            yield Query("Datadog", "text", f"{body['query']['numerator']}\n/ {body['query']['denominator']}")

    def _prometheus(self, text: str) -> Query:
        return Query("Prometheus", "promql", text, "" if text else "it is none of its metrics")
