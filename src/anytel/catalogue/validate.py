"""Validation: what is wrong with the declarations, each with its place in the code and the fix."""

from __future__ import annotations

import difflib
import math
import re
import string
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from anytel.catalogue.alert import SEVERITIES, Alert
from anytel.catalogue.burn import burns
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Condition, Expression, Latency, Ratio, Raw, Stat
from anytel.catalogue.levels import levels
from anytel.catalogue.matchers import matchers
from anytel.catalogue.slo import SLO
from anytel.catalogue.stats import STATS, counts_events, percentile, stat_of
from anytel.catalogue.unusual import Anomaly, Change
from anytel.catalogue.unusual import wrong as wrong_with
from anytel.catalogue.view import View
from anytel.catalogue.witness import outside, selected
from anytel.errors import DeclarationError
from anytel.metrics.instruments import Instrument
from anytel.place import Place

__all__ = ["problem", "problems", "validate"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_RECEIVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.#@-]{0,99}")


def validate(catalogue: Catalogue) -> None:
    """Check all declarations.

    Raises:
        DeclarationError: Some cannot be used; it names all of them.
    """
    found = problems(catalogue)
    if found:
        raise DeclarationError(found)


def problem(place: Place, what: str, wrong: str, fix: str) -> str:
    """Write what is wrong with a declaration in one line."""
    return f"{place}: {what}: {wrong}. {fix}"


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


class _Checked:
    """Checks one declaration. Each method gives the lines that tell what is wrong."""

    def __init__(self, catalogue: Catalogue, what: str, place: Place) -> None:
        self.catalogue, self.what, self.place = catalogue, what, place

    def slo(self, slo: SLO) -> Iterator[str]:
        """Check an objective."""
        yield from self._named(slo.name)
        yield from self._told(slo.runbook, slo.notify)
        if not (slo.objective.is_finite() and 0 < slo.objective < 1):
            wrong = f"the objective {slo.objective} is no share between 0 and 1"
            yield self._wrong(wrong, "Write 99.9 % as 0.999.")
        elif self._is_duration(slo.window):
            yield from self._burning(slo)
        yield from self._duration("the window", slo.window)
        if not isinstance(slo.min_events, int) or slo.min_events < 0:
            yield self._wrong(
                f"min_events={slo.min_events!r} is no number of events", "Give a whole number, 0 or more."
            )
        yield from self._indicator(slo.sli)

    def _burning(self, slo: SLO) -> Iterator[str]:
        rows = burns(slo.window)
        slow = [row for row in rows[:-1] if row.factor <= 1]
        if slow:
            wrong = (
                f"over {slo.window}, {slow[0].percent} % of the budget within {slow[0].long} is no faster than allowed"
            )
            yield self._wrong(wrong, "Use a window of a week or more, such as 7d, 28d, 30d or 90d.")
        top = max(rows, key=lambda row: row.factor)
        if not slow and top.threshold(slo.budget) >= 1:
            least = 1 - 1 / top.factor
            wrong = (
                f"over {slo.window} it would alert above {top.factor.normalize():f} times the budget of "
                f"{slo.budget:f}, which is more than all events"
            )
            yield self._wrong(wrong, f"Use an objective above {least:.4f}, or another window.")

    def _indicator(self, sli: object) -> Iterator[str]:
        if not isinstance(sli, Ratio | Latency):
            yield self._wrong(f"{type(sli).__name__} says of no event whether it is good", "Give a Ratio or a Latency.")
            return
        before = list(self._expression(sli))
        yield from before
        if before:
            return
        if isinstance(sli, Ratio) and sli.share == "part":
            yield self._wrong("a part= is neither good nor bad", "Say good= or bad=.")
        for stat in (one for one in sli.walk() if isinstance(one, Stat)):
            if not counts_events(stat, self.catalogue.instrument(stat)):
                wrong = f"{self._shown(stat)} is no number of events"
                yield self._wrong(wrong, "Use a counter, or rate of a distribution or histogram.")
            if stat.by:
                yield self._wrong("an objective has one value, not one by " + ", ".join(stat.by), "Leave by= out.")

    def alert(self, alert: Alert) -> Iterator[str]:
        """Check an alert."""
        yield from self._named(alert.name)
        yield from self._told(alert.runbook, alert.notify)
        if alert.severity not in SEVERITIES:
            yield self._wrong(f"there is no severity {alert.severity!r}", f"Use one of {', '.join(SEVERITIES)}.")
        yield from self._duration("for_", alert.for_, zero=True)
        if alert.no_data:
            yield from self._duration("no_data", alert.no_data)
        yield from self._condition(alert.condition)
        if isinstance(alert.condition, Condition):
            yield from self._message(alert.message, {"value", "threshold", *alert.condition.expression.by})
            yield from self._recovery(alert.condition, alert.recovery)
        elif isinstance(alert.condition, Anomaly):
            yield from self._message(alert.message, {"value", *alert.condition.by})
        elif isinstance(alert.condition, Raw):
            yield from self._message(alert.message, {"value"})

    def _condition(self, condition: object) -> Iterator[str]:
        if isinstance(condition, Raw | Anomaly):
            yield from self._expression(condition)
        elif not isinstance(condition, Condition):
            wrong = f"{type(condition).__name__} is no condition"
            yield self._wrong(wrong, 'Compare an expression with a number: anytel.Stat(TIME, "p95") > 2.')
        else:
            threshold = condition.threshold
            if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not math.isfinite(threshold):
                yield self._wrong(f"it is compared with {threshold!r}", "Compare it with a finite number.")
            elif isinstance(condition.expression, Ratio | Latency) and not 0 <= threshold <= 1:
                yield self._wrong(f"a share is from 0 to 1, and compared with {threshold}", "Write 5 % as 0.05.")
            before = list(self._expression(condition.expression))
            yield from before or self._reachable(condition)

    def _reachable(self, condition: Condition) -> Iterator[str]:
        """Check that it can hold and can not hold; else the alert is dead, or never silent."""
        try:
            levels(self.catalogue, condition)
        except (ValueError, TypeError, OverflowError) as exc:
            yield self._wrong(str(exc), f"Compare it with another number than {condition.threshold}.")

    def _recovery(self, condition: Condition, recovery: object) -> Iterator[str]:
        """Check that what ends an alert does not hold its condition."""
        if recovery is None:
            return
        if isinstance(recovery, bool) or not isinstance(recovery, int | float) or not math.isfinite(recovery):
            yield self._wrong(f"recovery={recovery!r} is no number", "Give a finite number, or leave it out.")
            return
        upwards, threshold = condition.operator.startswith(">"), condition.threshold
        if isinstance(threshold, int | float) and (recovery >= threshold if upwards else recovery <= threshold):
            side = "below" if upwards else "above"
            wrong = f"at recovery={recovery} it would go on, as it alerts {condition.operator} {condition.threshold}"
            yield self._wrong(wrong, f"Give a number {side} {condition.threshold}.")

    def _message(self, message: str, known: set[str]) -> Iterator[str]:
        try:
            used = {name for _, name, _, _ in string.Formatter().parse(message) if name is not None}
        except ValueError as exc:
            yield self._wrong(f"the message cannot be read ({exc})", "Double a brace that is meant as one.")
            return
        for name in sorted(used - known):
            wrong = f"the message has {{{name}}}, which is not known there"
            yield self._wrong(wrong, f"Known are {', '.join(f'{{{one}}}' for one in sorted(known))}.")

    def view(self, view: View) -> Iterator[str]:
        """Check a view."""
        if not view.shows:
            yield self._wrong("it shows nothing", "Give it a metric, an expression or an SLO.")
        shown: tuple[object, ...] = view.shows
        for one in shown:
            if isinstance(one, Expression):
                yield from self._expression(one, shown=True)
            elif not isinstance(one, SLO):
                yield self._wrong(f"{type(one).__name__} cannot be shown", "Give a metric, an expression or an SLO.")

    def _expression(self, expression: Expression, *, shown: bool = False) -> Iterator[str]:
        for one in expression.walk():
            if isinstance(one, Stat):
                yield from self._stat(one, shown=shown)
            elif isinstance(one, Ratio):
                yield from self._ratio(one)
            elif isinstance(one, Latency):
                yield from self._latency(one)
            elif isinstance(one, Change | Anomaly):
                yield from (self._wrong(*told) for told in wrong_with(one))
            elif isinstance(one, Raw) and not (one.promql or one.datadog or one.logql):
                yield self._wrong("a Raw expression has no query", "Give promql=, datadog= or logql=.")

    def _stat(self, stat: Stat, *, shown: bool) -> Iterator[str]:
        instrument = self._declared(stat)
        if instrument is None:
            yield self._undeclared(stat)
            return
        word, kind = stat_of(stat, instrument), instrument.kind
        if not word and not shown:
            wrong = f"{self._shown(stat)} is a gauge, of which there is no usual stat"
            yield self._wrong(wrong, f"Say which over its series: {', '.join(STATS[kind])}.")
        elif word and word not in STATS[kind] and not (percentile(word) and kind in ("distribution", "histogram")):
            wrong = f"a {kind} such as {instrument.name!r} has no {word!r}"
            yield self._wrong(wrong, f"Use one of {', '.join(STATS[kind])}.")
        yield from self._duration("the window", stat.window)
        tags = instrument.tags or {}
        for tag in {*stat.by, *stat.where} - tags.keys():
            near = difflib.get_close_matches(str(tag), tags, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            wrong = f"{instrument.name!r} has no tag {tag!r}"
            yield self._wrong(wrong, f"{hint}Declared at {instrument.place}: {', '.join(tags) or 'none'}.")
        for tag in stat.where.keys() & tags.keys():
            try:
                matchers(instrument, tag, stat.where[tag])
            except ValueError as exc:
                yield self._wrong(f"{instrument.name!r}: {exc}", f"It is declared at {instrument.place}.")
                return
        if not {*stat.by, *stat.where} - tags.keys() and selected(instrument, stat) is None:
            yield self._wrong(f"no series of {instrument.name!r} can be selected so", "Correct its where=.")

    def _ratio(self, ratio: Ratio) -> Iterator[str]:
        if len(ratio.given) != 1:
            given = ", ".join(ratio.given) or "none"
            yield self._wrong(f"a Ratio has one of good=, bad= and part=, not {given}", "Give exactly one.")
            return
        part, total = ratio.part, ratio.total
        if sorted(part.by) != sorted(total.by):
            one, other = (", ".join(stat.by) or "nothing" for stat in (part, total))
            yield self._wrong(f"the parts of a Ratio are by {one} and by {other}", "Give both the same by=.")
        if part.window != total.window:
            yield self._wrong(
                f"the parts of a Ratio look back {part.window} and {total.window}", "Give both one window=."
            )
        known = [(stat, instrument) for stat in (part, total) if (instrument := self._declared(stat)) is not None]
        words = [stat_of(stat, instrument) for stat, instrument in known]
        if len(set(words)) > 1:
            wrong = f"a Ratio of {words[0]} and {words[1]} says nothing"
            yield self._wrong(wrong, "Give both the same stat.")
        elif len(known) == 2 and known[0][1] is known[1][1]:
            yield from self._within(ratio, known[0][1])

    def _within(self, ratio: Ratio, instrument: Instrument) -> Iterator[str]:
        """Check a part and its whole that are of one metric."""
        telling = sorted({*ratio.by} & (ratio.part.where.keys() - ratio.total.where.keys()))
        if telling:
            wrong = f"by {telling[0]}, which tells the part from the rest, each share is 0 or 1"
            yield self._wrong(wrong, f"Leave {telling[0]!r} out of by=.")
        elif instrument.kind == "gauge" and stat_of(ratio.total, instrument) != "sum":
            yield self._wrong("of one gauge, only sums have parts", "Use sum.")
        elif self._readable(ratio.part, ratio.total) and outside(instrument, ratio) is None:
            yield self._wrong(
                "everything in the total is in the part, so the share is always 1", "Narrow the part's where=."
            )

    def _readable(self, *stats: Stat) -> bool:
        """Whether the tags and values of stats are right, which is told elsewhere where they are not."""
        return not any(True for stat in stats for _ in self._stat(stat, shown=True))

    def _latency(self, latency: Latency) -> Iterator[str]:
        instrument = self._declared(latency.total)
        if instrument is None:
            return
        if instrument.kind not in ("distribution", "histogram"):
            yield self._wrong(
                f"{instrument.name!r} is a {instrument.kind}", "A Latency is of a distribution or histogram."
            )
        elif latency.le not in instrument.bounds:
            bounds = ", ".join(f"{bound:g}" for bound in instrument.bounds)
            wrong = f"le={latency.le} is no bound of a bucket of {instrument.name!r}, so nothing counts what is below"
            yield self._wrong(wrong, f"Use one of {bounds}, or declare buckets= with it at {instrument.place}.")

    def _declared(self, stat: Stat) -> Instrument | None:
        try:
            return self.catalogue.instrument(stat)
        except (KeyError, AttributeError):
            return None

    def _undeclared(self, stat: Stat) -> str:
        name = self._shown(stat)
        near = difflib.get_close_matches(name, self.catalogue.instruments, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Declare it: anytel.Counter({name!r}, ...)."
        return self._wrong(f"there is no declared metric {name!r}", hint)

    def _shown(self, stat: Stat) -> str:
        return str(getattr(stat.instrument, "name", stat.instrument))

    def _named(self, name: object) -> Iterator[str]:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            yield self._wrong("that is no name", "Begin with a letter; use letters, digits, '-', '_' and '.'.")

    def _told(self, runbook: str, notify: Iterable[object]) -> Iterator[str]:
        address = urlsplit(runbook)
        if runbook and not (address.scheme in ("http", "https") and address.netloc):
            yield self._wrong(f"the runbook {runbook!r} is no address", "Give one that begins with https://.")
        for one in notify:
            if not isinstance(one, str) or not _RECEIVER.fullmatch(one):
                yield self._wrong(f"notify={one!r} names no receiver", "Use letters, digits and any of '-_.#@'.")

    def _duration(self, what: str, given: object, *, zero: bool = False) -> Iterator[str]:
        try:
            amount = seconds(given)
        except ValueError as exc:
            yield self._wrong(f"{what}: {exc}", "Write a number and one of s, m, h, d, w.")
            return
        if not amount and not zero:
            yield self._wrong(f"{what} is empty", "Give a duration above 0.")

    @staticmethod
    def _is_duration(given: object) -> bool:
        try:
            return seconds(given) > 0
        except ValueError:
            return False

    def _wrong(self, wrong: str, fix: str) -> str:
        return problem(self.place, self.what, wrong, fix)
