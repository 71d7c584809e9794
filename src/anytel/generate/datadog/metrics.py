"""What Datadog has to know of metrics: unit and description, and of which percentiles are to be computed.

https://docs.datadoghq.com/api/latest/metrics/#edit-metric-metadata and .../#create-a-tag-configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Condition, Expression, Latency, Stat
from anytel.catalogue.stats import percentile, stat_of
from anytel.generate.spelling import Speller
from anytel.metrics.instruments import Instrument

__all__ = ["metadata", "percentiles"]

_KNOWN = {"request", "error", "user", "execution", "job", "message", "item", "event", "query"}
"""Words of ours in braces, ``{request}``, that are units of Datadog as well."""


def metadata(catalogue: Catalogue, spell: Speller) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the metadata of each metric by its name at Datadog; of a histogram, of each metric made of it."""
    for instrument in catalogue.instruments.values():
        spelling = spell(instrument)
        for name in spelling.series:
            counts = name.endswith(".count") and instrument.kind == "histogram"
            unit = "" if counts else spelling.unit or _annotated(instrument)
            kind = "rate" if counts else "gauge" if instrument.kind == "histogram" else spelling.type
            yield (
                name,
                {
                    # Datadog knows by itself what is a distribution, and does not take it from others.
                    **({} if kind == "distribution" else {"type": kind}),
                    "description": instrument.description or instrument.name,
                    **({"unit": unit} if unit else {}),
                },
            )


def percentiles(catalogue: Catalogue, spell: Speller) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the configuration of each distribution that is asked for percentiles: they have to be switched on.

    All tags stay: it excludes none of them.
    """
    asked = {catalogue.instrument(stat).name for stat in _asked(catalogue)}
    for instrument in catalogue.instruments.values():
        if instrument.name in asked and instrument.kind == "distribution":
            name = spell(instrument).name
            attributes = {
                "metric_type": "distribution",
                "include_percentiles": True,
                "exclude_tags_mode": True,
                "tags": [],
            }
            yield name, {"data": {"type": "manage_tags", "id": name, "attributes": attributes}}


def _asked(catalogue: Catalogue) -> Iterator[Stat]:
    """Give the stats that need percentiles, or the share of values below a limit."""
    for expression in _expressions(catalogue):
        for one in expression.walk():
            if isinstance(one, Latency):
                yield one.total
            elif isinstance(one, Stat) and percentile(stat_of(one, catalogue.instrument(one))) is not None:
                yield one


def _expressions(catalogue: Catalogue) -> Iterator[Expression]:
    yield from (slo.sli for slo in catalogue.slos)
    for alert in catalogue.alerts:
        yield alert.condition.expression if isinstance(alert.condition, Condition) else alert.condition
    for view in catalogue.views:
        yield from (one for one in view.shows if isinstance(one, Expression))


def _annotated(instrument: Instrument) -> str:
    """Give Datadog's unit for one of ours in braces, where it has it."""
    word = instrument.unit.strip("{}") if instrument.unit.startswith("{") else ""
    return word if word in _KNOWN else ""
