"""A family: all series of one metric, under the name and type that Prometheus sees."""

from __future__ import annotations

from dataclasses import dataclass, field

from anytel.backend import Series, Spelling
from anytel_prometheus.naming import (
    TYPES,
    FamilyType,
    escape_help,
    escape_quoted,
    family_name,
    label_name,
    labels,
    reserved_names,
)
from anytel_prometheus.numerals import bound
from anytel_prometheus.units import Unit, unit_of

__all__ = ["Family"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Family:
    """What the series of one metric share.

    *name* is OpenMetrics' name, a counter's without ``_total``. *names* are all that the family takes in an exposition.
    """

    metric: str
    name: str
    type: FamilyType
    help: str
    unit: Unit
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", reserved_names(self.name, self.type))

    @classmethod
    def of(cls, series: Series) -> Family:
        """Derive the family from one of its series.

        A set is counted, so its unit is not used. A gauge of unit "1" is a ratio; counters and histograms are not,
        since "1" is what many write for "a number of things".
        """
        unit = Unit("") if series.kind == "set" else unit_of(series.unit)
        if series.kind == "gauge" and series.unit == "1":
            unit = Unit("ratio")
        return cls(
            metric=series.name,
            name=family_name(series.name, series.kind, unit.word),
            type=TYPES[series.kind],
            help=_help(series),
            unit=unit,
        )

    @property
    def sample(self) -> str:
        """The name of a counter's or gauge's samples."""
        return f"{self.name}_total" if self.type == "counter" else self.name

    @property
    def declared_unit(self) -> str:
        """The unit for OpenMetrics' ``UNIT`` line, which must be the end of the name."""
        return self.unit.word if self.name.endswith(f"_{self.unit.word}") else ""

    @property
    def openmetrics_header(self) -> list[str]:
        """The metadata lines of OpenMetrics 1.0."""
        lines = [f"# HELP {self.name} {escape_quoted(self.help)}", f"# TYPE {self.name} {self.type}"]
        return [*lines, f"# UNIT {self.name} {self.declared_unit}"] if self.declared_unit else lines

    @property
    def text_header(self) -> list[str]:
        """The metadata lines of the text format 0.0.4."""
        return [f"# HELP {self.sample} {escape_help(self.help)}", f"# TYPE {self.sample} {self.type}"]

    def bounds(self, series: Series) -> list[str]:
        """Give the ``le`` values of a histogram, with the infinite one."""
        return [*(bound(self.unit.scaled(limit)) for limit in series.bounds), "+Inf"]

    def spelling(self, series: Series) -> Spelling:
        """Give the names of *series* as they stand in an exposition."""
        histogram = self.type == "histogram"
        return Spelling(
            name=self.sample,
            type=self.type,
            unit=self.unit.word,
            series=tuple(f"{self.name}_{end}" for end in ("bucket", "count", "sum")) if histogram else (self.sample,),
            reserved=self.names,
            tags={name: label_name(name) for name, _ in series.tags},
            bounds=tuple(self.bounds(series)[:-1]) if histogram else (),
            multiply=self.unit.multiply,
            divide=self.unit.divide,
        )

    def prefixes(self, series: Series) -> tuple[str, ...]:
        """Give what stands before the number in each line of *series*: buckets, count and sum, or the one sample."""
        pairs = ",".join(f'{name}="{escape_quoted(value)}"' for name, value in labels(series.tags).items())
        braced = f"{{{pairs}}}" if pairs else ""
        if self.type != "histogram":
            return (f"{self.sample}{braced} ",)
        before = f"{self.name}_bucket{{{pairs}{',' if pairs else ''}"
        buckets = [f'{before}le="{limit}"}} ' for limit in self.bounds(series)]
        return (*buckets, f"{self.name}_count{braced} ", f"{self.name}_sum{braced} ")


def _help(series: Series) -> str:
    text = series.description.strip() or series.name.strip() or "_"
    return f"{text} (different values in the last minute)" if series.kind == "set" else text
