"""Validation: what is wrong with the declarations, each with its place in the code and the fix."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from anytel.catalogue.alert import SEVERITIES, Alert
from anytel.catalogue.asked import Asked, problem
from anytel.catalogue.burn import SLOWEST, burns
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Condition, Expression, Latency, Ratio, Raw, Stat
from anytel.catalogue.levels import levels
from anytel.catalogue.slo import SLO
from anytel.catalogue.stats import counts_events
from anytel.catalogue.view import DRAWINGS, View
from anytel.errors import DeclarationError

__all__ = ["NAME", "RECEIVER", "problem", "problems", "validate"]

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
RECEIVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.#@-]{0,99}")


def validate(catalogue: Catalogue) -> None:
    """Check all declarations.

    Raises:
        DeclarationError: Some cannot be used; it names all of them.
    """
    found = problems(catalogue)
    if found:
        raise DeclarationError(found)


def problems(catalogue: Catalogue) -> list[str]:
    """Give everything that is wrong, in the order of declaration."""
    found = [*_twice(catalogue.slos), *_twice(catalogue.alerts), *_twice(catalogue.views)]
    for slo in catalogue.slos:
        found += _Checked(catalogue, f"SLO {slo.name!r}", slo.place).slo(slo)
    for alert in catalogue.alerts:
        found += _Checked(catalogue, f"alert {alert.name!r}", alert.place).alert(alert)
    for view in catalogue.views:
        found += _Checked(catalogue, f"view {view.name!r}", view.place).view(view)
    return list(dict.fromkeys(found))


def _twice(declarations: Iterable[SLO | Alert | View]) -> Iterator[str]:
    first: dict[str, SLO | Alert | View] = {}
    for one in declarations:
        known = first.setdefault(str(one.name).lower(), one)
        if known is not one:
            what = f"{type(one).__name__} {one.name!r}"
            yield problem(one.place, what, f"the name is used at {known.place} already", "Give it a name of its own.")


class _Checked(Asked):
    """Checks one declaration. Each method gives the lines that tell what is wrong."""

    def slo(self, slo: SLO) -> Iterator[str]:
        """Check an objective."""
        yield from self._named(slo.name)
        yield from self._told(slo.runbook, slo.notify)
        if not (slo.objective.is_finite() and 0 < slo.objective < 1):
            wrong = f"the objective {slo.objective} is no share between 0 and 1"
            yield self.wrong(wrong, "Write 99.9 % as 0.999.")
        elif self._is_duration(slo.window):
            yield from self._burning(slo)
        yield from self.duration("the window", slo.window)
        if not isinstance(slo.min_events, int) or slo.min_events < 0:
            yield self.wrong(f"min_events={slo.min_events!r} is no number of events", "Give a whole number, 0 or more.")
        yield from self._indicator(slo.sli)

    def _burning(self, slo: SLO) -> Iterator[str]:
        rows = burns(slo.window)
        slow = [row for row in rows[:-1] if row.factor <= 1] or [row for row in rows[-1:] if row.factor < SLOWEST]
        if slow:
            wrong = (
                f"over {slo.window}, {slow[0].percent} % of the budget within {slow[0].long} is no faster than allowed"
            )
            yield self.wrong(wrong, "Use a window of a week or more, such as 7d, 28d, 30d or 90d.")
        top = max(rows, key=lambda row: row.factor)
        if not slow and top.threshold(slo.budget) >= 1:
            least = 1 - 1 / top.factor
            wrong = (
                f"over {slo.window} it would alert above {top.factor.normalize():f} times the budget of "
                f"{slo.budget:f}, which is more than all events"
            )
            yield self.wrong(wrong, f"Use an objective above {least:.4f}, or another window.")

    def _indicator(self, sli: object) -> Iterator[str]:
        if not isinstance(sli, Ratio | Latency):
            yield self.wrong(f"{type(sli).__name__} says of no event whether it is good", "Give a Ratio or a Latency.")
            return
        before = list(self.expression(sli))
        yield from before
        if before:
            return
        if isinstance(sli, Ratio) and sli.share == "part":
            yield self.wrong("a part= is neither good nor bad", "Say good= or bad=.")
        for stat in (one for one in sli.walk() if isinstance(one, Stat)):
            if not counts_events(stat, self.catalogue.instrument(stat)):
                wrong = f"{self.shown(stat)} is no number of events"
                yield self.wrong(wrong, "Use a counter, or rate of a distribution or histogram.")
            if stat.by:
                yield self.wrong("an objective has one value, not one by " + ", ".join(stat.by), "Leave by= out.")

    def alert(self, alert: Alert) -> Iterator[str]:
        """Check an alert."""
        yield from self._named(alert.name)
        yield from self._told(alert.runbook, alert.notify)
        if alert.severity not in SEVERITIES:
            yield self.wrong(f"there is no severity {alert.severity!r}", f"Use one of {', '.join(SEVERITIES)}.")
        yield from self.duration("for_", alert.for_, zero=True)
        if alert.no_data:
            yield from self.duration("no_data", alert.no_data)
        yield from self._condition(alert.condition)
        if isinstance(alert.condition, Condition):
            yield from self._message(alert.message, {"value", "threshold", *alert.condition.expression.by})
        elif isinstance(alert.condition, Raw):
            yield from self._message(alert.message, {"value"})

    def _condition(self, condition: object) -> Iterator[str]:
        if isinstance(condition, Raw):
            yield from self.expression(condition)
        elif not isinstance(condition, Condition):
            wrong = f"{type(condition).__name__} is no condition"
            yield self.wrong(wrong, 'Compare an expression with a number: anytel.Stat(TIME, "p95") > 2.')
        else:
            threshold = condition.threshold
            if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not math.isfinite(threshold):
                yield self.wrong(f"it is compared with {threshold!r}", "Compare it with a finite number.")
            elif isinstance(condition.expression, Ratio | Latency) and not 0 <= threshold <= 1:
                yield self.wrong(f"a share is from 0 to 1, and compared with {threshold}", "Write 5 % as 0.05.")
            before = list(self.expression(condition.expression))
            yield from before or self._reachable(condition)

    def _reachable(self, condition: Condition) -> Iterator[str]:
        """Check that it can hold and can not hold; else the alert is dead, or never silent."""
        try:
            levels(self.catalogue, condition)
        except (ValueError, TypeError, OverflowError) as exc:
            yield self.wrong(str(exc), f"Compare it with another number than {condition.threshold}.")

    def _message(self, message: str, known: set[str]) -> Iterator[str]:
        try:
            used = {name for _, name, _, _ in string.Formatter().parse(message) if name is not None}
        except ValueError as exc:
            yield self.wrong(f"the message cannot be read ({exc})", "Double a brace that is meant as one.")
            return
        for name in sorted(used - known):
            wrong = f"the message has {{{name}}}, which is not known there"
            yield self.wrong(wrong, f"Known are {', '.join(f'{{{one}}}' for one in sorted(known))}.")

    def view(self, view: View) -> Iterator[str]:
        """Check a view."""
        if not view.shows and view.drawn != "logs":
            yield self.wrong("it shows nothing", "Give it a metric, an expression or an SLO.")
        if view.drawn not in DRAWINGS:
            yield self.wrong(f"there is no way to draw it as {view.drawn!r}", f"Use one of {', '.join(DRAWINGS)}.")
        for wrong, fix in view.style.problems():
            yield self.wrong(wrong, fix)
        yield from self._drawn(view)
        shown: tuple[object, ...] = view.shows
        for one in shown:
            if isinstance(one, Expression):
                yield from self.expression(one, shown=True)
            elif not isinstance(one, SLO):
                yield self.wrong(f"{type(one).__name__} cannot be shown", "Give a metric, an expression or an SLO.")

    def _drawn(self, view: View) -> Iterator[str]:
        """Check that what is shown can be drawn so."""
        for one in view.shows:
            instrument = self.declared(one) if isinstance(one, Stat) else None
            sampled = instrument is not None and instrument.kind in ("distribution", "histogram")
            if view.drawn == "heatmap" and not sampled:
                yield self.wrong("a heatmap is of buckets, which it has none of", "Show a distribution or histogram.")
            elif view.drawn == "heatmap" and isinstance(one, Expression) and one.by:
                wrong = f"a heatmap by {', '.join(one.by)} would lay several over each other"
                yield self.wrong(wrong, "Leave by= out, or declare a view with where= for each.")
            elif view.drawn == "piechart" and isinstance(one, Expression) and not (one.by or isinstance(one, Raw)):
                yield self.wrong("a pie of one part says nothing", "Give by= the tag whose parts it shows.")
            elif view.drawn == "logs" and not (isinstance(one, Raw) and one.logql):
                yield self.wrong("log lines are asked for in LogQL", "Give Raw(logql=...), or nothing for all lines.")

    def _named(self, name: object) -> Iterator[str]:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            yield self.wrong("that is no name", "Begin with a letter; use letters, digits, '-', '_' and '.'.")

    def _told(self, runbook: str, notify: Iterable[object]) -> Iterator[str]:
        address = urlsplit(runbook)
        if runbook and not (address.scheme in ("http", "https") and address.netloc):
            yield self.wrong(f"the runbook {runbook!r} is no address", "Give one that begins with https://.")
        for one in notify:
            if not isinstance(one, str) or not RECEIVER.fullmatch(one):
                yield self.wrong(f"notify={one!r} names no receiver", "Use letters, digits and any of '-_.#@'.")

    @staticmethod
    def _is_duration(given: object) -> bool:
        try:
            return seconds(given) > 0
        except ValueError:
            return False
