"""The exposition: families of points as OpenMetrics 1.0 or as the text format 0.0.4.

``prometheus_client.generate_latest`` escapes and sorts every line anew; here each series brings the beginning of its
lines along, which makes a scrape several times cheaper. The lines become bytes a portion at a time, and between two
portions other threads get the interpreter: an event loop would wait while C joins or encodes millions of characters.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from anytel.backend import Exemplar, Point
from anytel_prometheus.catalogue import Groups, Row
from anytel_prometheus.numerals import number
from anytel_prometheus.units import Unit

__all__ = ["has_sum", "openmetrics", "text"]


_PORTION = 2_000
"""Lines."""


def openmetrics(groups: Groups) -> list[bytes]:
    """Write OpenMetrics 1.0, with exemplars, without the ``# EOF`` that ends it."""
    lines: list[str] = []
    for family, rows in groups.items():
        lines += family.openmetrics_header
        if family.type == "histogram":
            _histograms(lines, rows, family.unit, strict=True)
        else:
            _scalars(lines, rows, family.unit, exemplars=family.type == "counter")
    return _encoded(lines)


def text(groups: Groups) -> list[bytes]:
    """Write the text format 0.0.4, which has no exemplars."""
    lines: list[str] = []
    for family, rows in groups.items():
        lines += family.text_header
        if family.type == "histogram":
            _histograms(lines, rows, family.unit, strict=False)
        else:
            _scalars(lines, rows, family.unit, exemplars=False)
    return _encoded(lines)


def has_sum(point: Point) -> bool:
    """Whether a histogram has a sum in OpenMetrics: not once it may fall, by negative values or buckets below 0."""
    bounds = point.series.bounds
    return point.low >= 0 and point.value >= 0 and not (bounds and bounds[0] < 0)


def _scalars(lines: list[str], rows: Iterable[Row], unit: Unit, *, exemplars: bool) -> None:
    scaled = unit.scaled
    for prefixes, point in rows:
        line = prefixes[0] + number(scaled(point.value))
        if exemplars and point.exemplars:
            line += _exemplar(point.exemplars.get(0), unit)
        lines.append(line)


def _histograms(lines: list[str], rows: Iterable[Row], unit: Unit, *, strict: bool) -> None:
    for prefixes, point in rows:
        total, exemplars = 0, point.exemplars if strict else {}
        for index, count in enumerate(point.buckets):
            total += count
            line = f"{prefixes[index]}{total}"
            lines.append(line + _exemplar(exemplars.get(index), unit) if exemplars else line)
        if has_sum(point) or not strict:
            lines.append(f"{prefixes[-2]}{total}")
            lines.append(prefixes[-1] + number(unit.scaled(point.value)))


def _exemplar(exemplar: Exemplar | None, unit: Unit) -> str:
    if exemplar is None:
        return ""
    seconds, nanoseconds = divmod(exemplar.time_ns, 10**9)
    span = f'span_id="{exemplar.context.span_id:016x}",trace_id="{exemplar.context.trace_id:032x}"'
    return f" # {{{span}}} {number(unit.scaled(exemplar.value))} {seconds}.{nanoseconds:09d}"


def _encoded(lines: list[str]) -> list[bytes]:
    portions = []
    for start in range(0, len(lines), _PORTION):
        portions.append("\n".join([*lines[start : start + _PORTION], ""]).encode())
        time.sleep(0)  # gives the interpreter away
    return portions
