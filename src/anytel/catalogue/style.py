"""Styles: how a view is drawn, where that is to differ from what follows from what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import UnionType
from typing import Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from anytel.catalogue.durations import seconds

__all__ = ["Colour", "Style"]

Colour: TypeAlias = Literal["green", "yellow", "orange", "red", "blue", "purple"]
_NAMES: Mapping[str, tuple[str, ...]] = {"thresholds": get_args(Colour)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a view is drawn. What is None, or empty, follows from what is shown.

    A graph: *graph* is what its values are drawn as, *fill* how opaque the area below is in percent, *gradient* how it
    fades, *stack* whether series stand on each other. *nulls* says whether a line has a ``gap`` where values are
    missing, or goes on (``connect``), or up to which duration (``5m``) it does. *right* are the places, from 0, of what
    is shown on the right axis; by default what has another unit than the first. *scale* is that of the value axis,
    *limits* how thresholds are drawn. *legend* with *calcs* (``mean``, ``max``, ``lastNotNull``, ``sum`` ...) stands at
    *legend_at*; *tooltip* tells one series or all.

    A heatmap: *scheme* is one of d3's colour schemes. A number: *colour* is what its threshold colours, *sparkline*
    whether its course is behind it, *text* what is written and *text_size* how large, in pixels. Of several numbers,
    *orientation*.

    All: *unit* is a UCUM unit, for a `Raw` query; *decimals*, *low* and *high* are in the unit that is shown, as are
    *thresholds*, the values from which on a colour holds: ``{"red": 2}`` is green below, ``{"green": 0.99}`` red.
    *interval* is the least time between two values. *width* is of 24 columns, *height* in units of 30 pixels.
    """

    graph: Literal["line", "area", "bars", "points", "steps"] | None = None
    fill: int | None = None
    gradient: Literal["none", "opacity", "hue", "scheme"] | None = None
    stack: Literal["none", "normal", "percent"] | None = None
    nulls: str = "gap"
    right: tuple[int, ...] = ()
    scale: Literal["linear", "log2", "log10"] = "linear"
    limits: Literal["off", "line", "dashed", "area", "line+area", "dashed+area"] | None = None
    legend: Literal["table", "list", "hidden"] | None = None
    legend_at: Literal["bottom", "right"] | None = None
    calcs: tuple[str, ...] = ()
    tooltip: Literal["single", "multi", "none"] | None = None
    scheme: str = "Reds"
    colour: Literal["value", "background", "background_solid", "none"] | None = None
    sparkline: bool | None = None
    text: Literal["auto", "value", "value_and_name", "name", "none"] | None = None
    text_size: int | None = None
    orientation: Literal["auto", "horizontal", "vertical"] = "auto"
    unit: str = ""
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    thresholds: Mapping[Colour, float] | None = None
    interval: str = ""
    width: int | None = None
    height: int | None = None

    def problems(self) -> Iterator[tuple[str, str]]:
        """Give what is wrong, each with the fix."""
        hints = get_type_hints(type(self))
        for name in (one.name for one in fields(self)):
            known, value = _literals(hints[name]), getattr(self, name)
            if known and value is not None and value not in known:
                yield f"style {name}={value!r} is not known", f"Use one of {', '.join(known)}."
        for name, given in (("nulls", self.nulls), ("interval", self.interval)):
            if given not in ("gap", "connect", "") and not _is_duration(given):
                yield f"style {name}={given!r} is no duration", "Write 5m, or for nulls gap or connect."
        for colour in self.thresholds or ():
            if colour not in _NAMES["thresholds"]:
                yield f"there is no colour {colour!r}", f"Use some of {', '.join(_NAMES['thresholds'])}."
        for name, low, high in (("width", 1, 24), ("height", 2, 100), ("fill", 0, 100), ("decimals", 0, 20)):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int) and low <= value <= high):
                yield f"style {name}={value!r} is not from {low} to {high}", "Correct it."


def _is_duration(given: object) -> bool:
    try:
        return seconds(given) > 0
    except ValueError:
        return False


def _literals(hint: object) -> tuple[str, ...]:
    """Give the words that a field may hold; none, where it holds something else."""
    either = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return tuple(word for one in either if get_origin(one) is Literal for word in get_args(one))
