"""Recording rules for every metric, added up over the instances.

Dashboards over long times and a federating Prometheus read these instead of the raw series. Names are
``level:metric:operations`` as Prometheus' practice for recording rules asks, with the level ``job``.
"""

from __future__ import annotations

from collections.abc import Iterator

from anytel.catalogue.catalogue import Catalogue
from anytel.generate.prometheus.slo import Rule
from anytel.generate.spelling import Speller
from anytel.metrics.instruments import Instrument

__all__ = ["RECORDED", "recording_rules"]

RECORDED = "job:.+|slo:.+"
"""Matches the names of all that is recorded, objectives included."""


def recording_rules(catalogue: Catalogue, spell: Speller) -> list[Rule]:
    """Give the rules in the order of declaration."""
    return [rule for one in catalogue.instruments.values() for rule in _rules(one, spell)]


def _rules(instrument: Instrument, spell: Speller) -> Iterator[Rule]:
    spelling = spell(instrument)
    labels = ["job", "service", *sorted(spelling.tags.values())]
    by = f"by ({', '.join(labels)})"
    if instrument.kind == "count":
        yield _rule(f"{spelling.name.removesuffix('_total')}:rate5m", f"sum {by} (rate({spelling.name}[5m]))")
    elif instrument.kind == "gauge":
        yield _rule(f"{spelling.name}:sum", f"sum {by} ({spelling.name})")
        yield _rule(f"{spelling.name}:max", f"max {by} ({spelling.name})")
    elif instrument.kind == "set":
        # Instances have seen some of the same values, so their numbers do not add up.
        yield _rule(f"{spelling.name}:max", f"max {by} ({spelling.name})")
    else:
        for series in spelling.series:
            more = f"by ({', '.join([*labels, 'le'])})" if series.endswith("_bucket") else by
            yield _rule(f"{series}:rate5m", f"sum {more} (rate({series}[5m]))")


def _rule(name: str, expr: str) -> Rule:
    return {"record": f"job:{name}", "expr": expr}
