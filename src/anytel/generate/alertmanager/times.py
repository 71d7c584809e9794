"""Time intervals: mutes as Alertmanager counts time.

Its days end at 24:00 and its weeks on Saturday, and a range goes over neither; so one mute can be several intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from anytel.catalogue.mute import DAYS, MONTHS, Mute, clock, span

__all__ = ["interval"]

_DAY = 24 * 60


def interval(mute: Mute) -> Mapping[str, object]:
    """Give the named interval of a mute."""
    return {"name": mute.name, "time_intervals": list(_parts(mute))}


def _parts(mute: Mute) -> Iterator[Mapping[str, object]]:
    spans = [clock(one) for one in mute.times]
    evening = [(start, min(end, _DAY)) for start, end in spans if start < _DAY]
    morning = [(0, end - _DAY) for _, end in spans if end > _DAY]
    days = sorted({day for one in mute.days for day in span(one, DAYS)})
    if evening or not spans:
        yield _part(mute, days, evening)
    if morning:
        yield _part(mute, sorted((day + 1) % len(DAYS) for day in days), morning)


def _part(mute: Mute, days: Sequence[int], times: Sequence[tuple[int, int]]) -> Mapping[str, object]:
    months = sorted({month for one in mute.months for month in span(one, MONTHS)})
    given = {
        "times": [{"start_time": _time(start), "end_time": _time(end)} for start, end in times],
        "weekdays": [DAYS[day] for day in days],
        "days_of_month": list(mute.dates),
        "months": [MONTHS[month] for month in months],
    }
    return {**{name: value for name, value in given.items() if value}, "location": mute.timezone}


def _time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
