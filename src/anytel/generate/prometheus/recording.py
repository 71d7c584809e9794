"""Recording rules for every metric, added up over the instances.

Dashboards over long times and a federating Prometheus read these instead of the raw series. Names are
``level:metric:operations`` as Prometheus' practice for recording rules asks, with the level ``job``.
"""

from __future__ import annotations

from collections.abc import Iterator

from anytel.catalogue.catalogue import Catalogue
from anytel.generate.prometheus.labels import scope
from anytel.generate.prometheus.slo import Rule
from anytel.generate.promql import quoted
from anytel.generate.spelling import Speller
from anytel.metrics.instruments import Instrument

__all__ = ["RECORDED", "recording_rules"]

RECORDED = "job:.+|slo:.+"
"""Matches the names of all that is recorded, objectives included."""


def recording_rules(catalogue: Catalogue, spell: Speller, service: str) -> list[Rule]:
    """Give the rules for the metrics of *service*, in the order of declaration."""
    where = "{" + ",".join(f"{label}={quoted(value)}" for label, value in scope(service).items()) + "}"
    return [rule for one in catalogue.instruments.values() for rule in _rules(one, spell, where)]


def _rules(instrument: Instrument, spell: Speller, where: str) -> Iterator[Rule]:
    spelling = spell(instrument)
    labels = ["job", *sorted(spelling.tags.values())]
    by = f"by ({', '.join(labels)})"
    if instrument.kind == "count":
        yield _rule(f"{spelling.name.removesuffix('_total')}:rate5m", f"sum {by} (rate({spelling.name}{where}[5m]))")
    elif instrument.kind == "gauge":
        yield _rule(f"{spelling.name}:sum", f"sum {by} ({spelling.name}{where})")
        yield _rule(f"{spelling.name}:max", f"max {by} ({spelling.name}{where})")
    elif instrument.kind == "set":
        # Instances have seen some of the same values, so their numbers do not add up.
        yield _rule(f"{spelling.name}:max", f"max {by} ({spelling.name}{where})")
    else:
        for series in spelling.series:
            more = f"by ({', '.join([*labels, 'le'])})" if series.endswith("_bucket") else by
            yield _rule(f"{series}:rate5m", f"sum {more} (rate({series}{where}[5m]))")


def _rule(name: str, expr: str) -> Rule:
    return {"record": f"job:{name}", "expr": expr}
