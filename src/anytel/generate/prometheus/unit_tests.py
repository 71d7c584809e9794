"""Unit tests of the generated rules, for ``promtool test rules``: what has to alert does, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from anytel.catalogue.alert import SEVERITIES
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.durations import seconds, written
from anytel.catalogue.expressions import Ratio
from anytel.catalogue.levels import holds, levels
from anytel.generate.options import Options
from anytel.generate.prometheus.alerts import Watch, target_rules
from anytel.generate.prometheus.feed import EVENTS, Feed, Phase, Series
from anytel.generate.prometheus.humanize import humanize_percentage
from anytel.generate.prometheus.labels import (
    BURN,
    NO_DATA,
    SLO_ABSENT,
    TARGET_DOWN,
    TARGETS_ABSENT,
    annotate,
    labels,
    scope,
)
from anytel.generate.prometheus.slo import ABSENT_FOR, Objective
from anytel.generate.spelling import Speller

__all__ = ["alert_tests", "slo_tests", "target_tests"]

Case: TypeAlias = Mapping[str, object]
Expected: TypeAlias = tuple[Mapping[str, str], Mapping[str, str]]
"""The labels and the annotations of an alert."""

STEP = 60


def slo_tests(catalogue: Catalogue, spell: Speller, objective: Objective) -> Mapping[str, object]:
    """Give the tests of an objective's rules."""
    made = _Burning(Feed(catalogue, spell, scope(objective.service), STEP), objective)
    return _file(f"slo-{objective.slo.name}", made.cases(), STEP)


def alert_tests(catalogue: Catalogue, spell: Speller, watch: Watch) -> Mapping[str, object] | None:
    """Give the tests of an alert's rules; None for a `Raw` one, of whose series nothing is known."""
    if watch.condition is None:
        return None
    made = _Holding(catalogue, spell, watch)
    return _file(f"alert-{watch.alert.name}", made.cases(), made.step)


def target_tests(options: Options) -> Mapping[str, object]:
    """Give the tests of the rules for a service that cannot be scraped."""
    instance = options.scrape[0]
    up = f'up{{instance="{instance}",job="{options.service}"}}'
    absent = target_rules(options)[1]
    said = {"summary": f"{instance} cannot be scraped"}
    said["description"] = f"{options.service} at {instance} has not answered a scrape for two minutes."
    own = {**labels("critical", options.service), "job": options.service}
    cases = [
        _case(
            "a target that answers alerts nobody",
            STEP,
            [{"series": up, "values": "1+0x20"}],
            [_alert(TARGET_DOWN, "15m"), _alert(TARGETS_ABSENT, "15m")],
        ),
        _case(
            "a target that does not answer alerts, and no longer once it does",
            STEP,
            [{"series": up, "values": "0+0x10 1+0x10"}],
            [_alert(TARGET_DOWN, "5m", ({**own, "instance": instance}, said)), _alert(TARGET_DOWN, "15m")],
        ),
        _case(
            "no target at all alerts",
            STEP,
            [],
            [_alert(TARGETS_ABSENT, "10m", (own, absent["annotations"]))],  # type: ignore[arg-type]  # they are text
        ),
    ]
    return _file("targets", cases, STEP)


class _Burning:
    """The tests of one objective."""

    def __init__(self, feed: Feed, objective: Objective) -> None:
        self.feed, self.objective, self.slo = feed, objective, objective.slo
        top = max(burn.threshold(self.slo.budget) for burn in objective.burns)
        # A whole percentage, so that it reads the same however it was added up.
        self.bad = min(1.0, (math.floor(top * 100) + 1) / 100)
        # Twice what the shortest window has to have, in its 60 steps.
        self.events = EVENTS * max(1, math.ceil(self.slo.min_events * 2 / 60 / EVENTS))

    def cases(self) -> Iterator[Case]:
        """Give all cases."""
        yield self._healthy()
        yield self._burnt()
        yield from self._each()
        yield self._idle()
        if self.slo.min_events:
            yield self._rare()
        yield self._missing()

    def _healthy(self) -> Case:
        share = f'slo:sli_error:ratio_rate5m{{service="{self.objective.service}",slo="{self.slo.name}"}}'
        return _case(
            "a healthy service alerts nobody; without one bad event its share is 0, not missing",
            STEP,
            self._series((0, 180)),
            [_alert(BURN, "2h"), _alert(SLO_ABSENT, "2h")],
            [{"expr": share, "eval_time": "2h", "exp_samples": [{"labels": share, "value": 0}]}],
        )

    def _burnt(self) -> Case:
        severities = [one for one in SEVERITIES if any(burn.severity == one for burn in self.objective.burns)]
        left = f'count(slo:error_budget_remaining:ratio{{slo="{self.slo.name}"}} < 0)'
        return _case(
            f"{humanize_percentage(self.bad)} of bad events for an hour alert, until the short windows are clean again",
            STEP,
            self._series((self.bad, 60), (0, 420)),
            [
                _alert(BURN, "1h", *map(self._told, severities)),
                _alert(BURN, max(map(self._clean, severities), key=seconds)),
            ],
            [
                {"expr": left, "eval_time": "1h", "exp_samples": [{"labels": "{}", "value": 1}]},
                *({"expr": self._alerting(one), "eval_time": self._clean(one)} for one in severities),
            ],
        )

    def _each(self) -> Iterator[Case]:
        """Have each of the two ways of the first severity alert without the other."""
        fast, slow = self.objective.burns[:2]
        budget = float(self.slo.budget)
        hours = seconds(slow.long) // seconds(fast.long)
        # Within the fast row's window, and too little for the slow row's; then the other way round.
        burst = min(1.0, budget * float(fast.factor + slow.factor * hours) / 2)
        steady = budget * float(slow.factor + fast.factor) / 2
        long, short = seconds(slow.long) // STEP, seconds(fast.long) // STEP
        firing = f'count({self._alerting(fast.severity)[:-1]},alertstate="firing"}})'
        told = [{"expr": firing, "eval_time": slow.long, "exp_samples": [{"labels": "{}", "value": 1}]}]
        name = f"{slow.long} at {slow.factor.normalize():f} times the budget alert, though {fast.long} alone do not"
        yield _case(name, STEP, self._series((steady, long)), [], told)
        name = f"{fast.long} at {fast.factor.normalize():f} times the budget alert, though {slow.long} alone do not"
        yield _case(name, STEP, self._series((0, long - short), (burst, short)), [], told)

    def _clean(self, severity: str) -> str:
        """Give when the short windows of a severity have no bad event any more."""
        shorts = [seconds(burn.short) for burn in self.objective.burns if burn.severity == severity]
        return written(3600 + max(shorts) + 5 * STEP)

    def _alerting(self, severity: str) -> str:
        return f'ALERTS{{alertname="{BURN}",severity="{severity}",slo="{self.slo.name}"}}'

    def _told(self, severity: str) -> Expected:
        rows = [row for row in self.objective.burns if row.severity == severity]
        read = self.objective.annotations(rows, humanize_percentage(self.bad))
        return self.objective.alert_labels(severity), read

    def _idle(self) -> Case:
        series = [{**one, "values": "100+0x180"} for one in self._series((0, 1))]
        return _case("a service without traffic alerts nobody", STEP, series, [_alert(BURN, "2h")])

    def _rare(self) -> Case:
        few = Decimal(self.slo.min_events) / 240
        series = self.feed.series(self.objective.sli, [Phase(self._level(1), 180, float(few))])
        name = f"fewer than {self.slo.min_events} events alert nobody, even if all are bad"
        return _case(name, STEP, series, [_alert(BURN, "2h")])

    def _missing(self) -> Case:
        expected = self.objective.alert_labels("warning"), self.objective.absent_annotations()
        later = written(seconds(ABSENT_FOR) * 3)
        return _case(
            "a metric that is not there alerts", STEP, [], [_alert(SLO_ABSENT, later, expected), _alert(BURN, later)]
        )

    def _series(self, *phases: tuple[float, int]) -> list[Series]:
        made = [Phase(self._level(bad), steps, self.events) for bad, steps in phases]
        return self.feed.series(self.objective.sli, made)

    def _level(self, bad: float) -> float:
        """Give the value of the indicator at a share of bad events."""
        share = getattr(self.objective.sli, "share", "good")
        return bad if share == "bad" else float(1 - Decimal(repr(bad)))


class _Holding:
    """The tests of one alert on a condition."""

    def __init__(self, catalogue: Catalogue, spell: Speller, watch: Watch) -> None:
        self.watch, self.alert = watch, watch.alert
        self.levels = levels(catalogue, watch.alert.condition)  # type: ignore[arg-type]  # `Raw` ones have no tests
        self.back = seconds(watch.expression.window or "0s")
        self.step = min(STEP, max(1, self.back // 5)) if self.back else STEP
        self.feed = Feed(catalogue, spell, scope(watch.service), self.step)
        self.told = self._steps(self.back + seconds(self.alert.for_)) + 2
        self.over = self.told + self._steps(self.back) + 2

    def cases(self) -> Iterator[Case]:
        """Give all cases."""
        name = self.alert.name
        holding, quiet = self.levels
        yield _case(
            f"{name} is quiet while the condition does not hold",
            self.step,
            self._series((quiet, self.told + 1)),
            [_alert(name, self._at(self.told))],
        )
        yield _case(
            f"{name} alerts once the condition has held for {self.alert.for_}, and no longer once it does not",
            self.step,
            self._series((holding, self.told), (quiet, self.over)),
            [_alert(name, self._at(self.told), self._expected()), _alert(name, self._at(self.over))],
        )
        if isinstance(self.watch.expression, Ratio):
            yield self._none()
        yield self._missing()

    def _none(self) -> Case:
        """Where nothing was counted of the part, its series does not exist."""
        condition, name = self.watch.condition, self.alert.name
        held = condition is not None and holds(condition, 0)
        alerting = f'count(count by (alertname) (ALERTS{{alertname="{name}"}}))'
        told = {"exp_samples": [{"labels": "{}", "value": 1}]} if held else {}
        return _case(
            f"{name}: a part that was never counted is a share of 0, not of nothing",
            self.step,
            self._series((0, self.told + 1)),
            [],
            [{"expr": alerting, "eval_time": self._at(self.told), **told}],
        )

    def _missing(self) -> Case:
        alerts = [_alert(self.alert.name, "2h")]
        total = self.watch.total
        if self.alert.no_data and total is not None:
            expected = self.watch.labels("warning"), self.watch.no_data_annotations(total)
            alerts.append(
                _alert(f"{self.alert.name}{NO_DATA}", written(seconds(self.alert.no_data) + 2 * STEP), expected)
            )
        told = "alerts as such" if len(alerts) > 1 else "alerts nobody"
        return _case(f"{self.alert.name}: a metric that is not there {told}", STEP, [], alerts)

    def _expected(self) -> Expected:
        expression = self.watch.expression
        tags = self.feed.tags(expression)
        by = self.watch.compiled.labels(expression)
        value = self.feed.value(expression, self.levels.holding)
        assert self.watch.message is not None  # noqa: S101 -- there is a condition
        read = annotate(*self.watch.message.rendered(tags, value), self.alert.runbook)
        return {**{by[tag]: tags[tag] for tag in by}, **self.watch.labels(self.alert.severity)}, read

    def _series(self, *phases: tuple[float, int]) -> list[Series]:
        return self.feed.series(self.watch.expression, [Phase(level, steps) for level, steps in phases])

    def _steps(self, amount: int) -> int:
        return math.ceil(amount / self.step)

    def _at(self, steps: int) -> str:
        return written(steps * self.step)


def _file(rules: str, cases: Iterable[Case], step: int) -> Mapping[str, object]:
    return {
        "rule_files": [f"../rules/{rules}.yml"],
        "evaluation_interval": written(step),
        "tests": list(cases),
    }


def _case(
    name: str,
    step: int,
    series: Sequence[Series],
    alerts: Sequence[Mapping[str, object]],
    queries: Sequence[Mapping[str, object]] = (),
) -> Case:
    case: dict[str, object] = {"name": name, "interval": written(step), "input_series": list(series)}
    case["alert_rule_test"] = list(alerts)
    return case | ({"promql_expr_test": list(queries)} if queries else {})


def _alert(name: str, time: str, *expected: Expected) -> Mapping[str, object]:
    """Say which alerts of a name are told at a time: exactly those expected."""
    told = [{"exp_labels": dict(sorted(own.items())), "exp_annotations": dict(read)} for own, read in expected]
    return {"eval_time": time, "alertname": name} | ({"exp_alerts": told} if told else {})
