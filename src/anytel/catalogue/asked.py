"""What is asked of metrics: whether an expression can be answered, and what to do where it cannot."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from anytel.catalogue import lines, unusual
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Expression, Latency, Ratio, Raw, Stat
from anytel.catalogue.lines import Lines
from anytel.catalogue.matchers import matchers
from anytel.catalogue.stats import STATS, percentile, stat_of
from anytel.catalogue.unusual import Anomaly, Change
from anytel.catalogue.witness import outside, selected
from anytel.metrics.instruments import Instrument
from anytel.place import Place

__all__ = ["Asked", "problem"]


def problem(place: Place, what: str, wrong: str, fix: str) -> str:
    """Write what is wrong with a declaration in one line."""
    return f"{place}: {what}: {wrong}. {fix}"


class Asked:
    """Checks the expressions of one declaration. Each method gives the lines that tell what is wrong."""

    def __init__(self, catalogue: Catalogue, what: str, place: Place) -> None:
        self.catalogue, self.what, self.place = catalogue, what, place

    def expression(self, expression: Expression, *, shown: bool = False) -> Iterator[str]:
        """Check an expression and all it is made of; one that is only *shown* may be all series of a gauge."""
        for one in expression.walk():
            if isinstance(one, Stat):
                yield from self._stat(one, shown=shown)
            elif isinstance(one, Ratio):
                yield from self._ratio(one)
            elif isinstance(one, Latency):
                yield from self._latency(one)
            elif isinstance(one, Change | Anomaly):
                yield from (self.wrong(*told) for told in unusual.wrong(one))
            elif isinstance(one, Lines) and shown:
                fix = "Give View(..., Raw(logql=...), drawn='logs') for the lines, or an Alert for their number."
                yield self.wrong("a number of log lines is only alerted on, and not shown", fix)
            elif isinstance(one, Lines):
                yield from (self.wrong(*told) for told in lines.wrong(one))
            elif isinstance(one, Raw) and not (one.promql or one.datadog or one.logql):
                yield self.wrong("a Raw expression has no query", "Give promql=, datadog= or logql=.")

    def _stat(self, stat: Stat, *, shown: bool) -> Iterator[str]:
        instrument = self.declared(stat)
        if instrument is None:
            yield self._undeclared(stat)
            return
        word, kind = stat_of(stat, instrument), instrument.kind
        if not word and not shown:
            wrong = f"{self.shown(stat)} is a gauge, of which there is no usual stat"
            yield self.wrong(wrong, f"Say which over its series: {', '.join(STATS[kind])}.")
        elif word and word not in STATS[kind] and not (percentile(word) and kind in ("distribution", "histogram")):
            wrong = f"a {kind} such as {instrument.name!r} has no {word!r}"
            yield self.wrong(wrong, f"Use one of {', '.join(STATS[kind])}.")
        yield from self.duration("the window", stat.window)
        tags = instrument.tags or {}
        for tag in {*stat.by, *stat.where} - tags.keys():
            near = difflib.get_close_matches(str(tag), tags, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            wrong = f"{instrument.name!r} has no tag {tag!r}"
            yield self.wrong(wrong, f"{hint}Declared at {instrument.place}: {', '.join(tags) or 'none'}.")
        for tag in stat.where.keys() & tags.keys():
            try:
                matchers(instrument, tag, stat.where[tag])
            except ValueError as exc:
                yield self.wrong(f"{instrument.name!r}: {exc}", f"It is declared at {instrument.place}.")
                return
        if not {*stat.by, *stat.where} - tags.keys() and selected(instrument, stat) is None:
            yield self.wrong(f"no series of {instrument.name!r} can be selected so", "Correct its where=.")

    def _ratio(self, ratio: Ratio) -> Iterator[str]:
        if len(ratio.given) != 1:
            given = ", ".join(ratio.given) or "none"
            yield self.wrong(f"a Ratio has one of good=, bad= and part=, not {given}", "Give exactly one.")
            return
        part, total = ratio.part, ratio.total
        if sorted(part.by) != sorted(total.by):
            one, other = (", ".join(stat.by) or "nothing" for stat in (part, total))
            yield self.wrong(f"the parts of a Ratio are by {one} and by {other}", "Give both the same by=.")
        if part.window != total.window:
            yield self.wrong(
                f"the parts of a Ratio look back {part.window} and {total.window}", "Give both one window=."
            )
        known = [(stat, instrument) for stat in (part, total) if (instrument := self.declared(stat)) is not None]
        words = [stat_of(stat, instrument) for stat, instrument in known]
        if len(set(words)) > 1:
            wrong = f"a Ratio of {words[0]} and {words[1]} says nothing"
            yield self.wrong(wrong, "Give both the same stat.")
        elif len(known) == 2 and known[0][1] is known[1][1]:
            yield from self._within(ratio, known[0][1])

    def _within(self, ratio: Ratio, instrument: Instrument) -> Iterator[str]:
        """Check a part and its whole that are of one metric."""
        telling = sorted({*ratio.by} & (ratio.part.where.keys() - ratio.total.where.keys()))
        if telling:
            wrong = f"by {telling[0]}, which tells the part from the rest, each share is 0 or 1"
            yield self.wrong(wrong, f"Leave {telling[0]!r} out of by=.")
        elif instrument.kind == "gauge" and stat_of(ratio.total, instrument) != "sum":
            yield self.wrong("of one gauge, only sums have parts", "Use sum.")
        elif self._readable(ratio.part, ratio.total) and outside(instrument, ratio) is None:
            yield self.wrong(
                "everything in the total is in the part, so the share is always 1", "Narrow the part's where=."
            )

    def _readable(self, *stats: Stat) -> bool:
        """Whether the tags and values of stats are right, which is told elsewhere where they are not."""
        return not any(True for stat in stats for _ in self._stat(stat, shown=True))

    def _latency(self, latency: Latency) -> Iterator[str]:
        instrument = self.declared(latency.total)
        if instrument is None:
            return
        if instrument.kind not in ("distribution", "histogram"):
            yield self.wrong(
                f"{instrument.name!r} is a {instrument.kind}", "A Latency is of a distribution or histogram."
            )
        elif latency.le not in instrument.bounds:
            bounds = ", ".join(f"{bound:g}" for bound in instrument.bounds)
            wrong = f"le={latency.le} is no bound of a bucket of {instrument.name!r}, so nothing counts what is below"
            yield self.wrong(wrong, f"Use one of {bounds}, or declare buckets= with it at {instrument.place}.")

    def declared(self, stat: Stat) -> Instrument | None:
        """Give the metric that a stat is of, if there is one."""
        try:
            return self.catalogue.instrument(stat)
        except (KeyError, AttributeError):
            return None

    def _undeclared(self, stat: Stat) -> str:
        name = self.shown(stat)
        near = difflib.get_close_matches(name, self.catalogue.instruments, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Declare it: anytel.Counter({name!r}, ...)."
        return self.wrong(f"there is no declared metric {name!r}", hint)

    def shown(self, stat: Stat) -> str:
        """Give the name that a stat was given, for a message."""
        return str(getattr(stat.instrument, "name", stat.instrument))

    def duration(self, what: str, given: object, *, zero: bool = False) -> Iterator[str]:
        """Check what was given for a duration, which may be empty where *zero* is allowed."""
        try:
            amount = seconds(given)
        except ValueError as exc:
            yield self.wrong(f"{what}: {exc}", "Write a number and one of s, m, h, d, w.")
            return
        if not amount and not zero:
            yield self.wrong(f"{what} is empty", "Give a duration above 0.")

    def wrong(self, wrong: str, fix: str) -> str:
        """Write what is wrong with the declaration."""
        return problem(self.place, self.what, wrong, fix)
