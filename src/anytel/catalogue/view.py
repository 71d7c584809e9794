"""Views: what a dashboard shows, declared beside the metrics."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from anytel.catalogue import declared
from anytel.catalogue.expressions import Expression, Measured, Stat
from anytel.catalogue.slo import SLO
from anytel.catalogue.style import Style
from anytel.metrics.instruments import Instrument
from anytel.place import declaring

__all__ = ["DRAWINGS", "Drawing", "View"]

Drawing: TypeAlias = Literal["auto", "timeseries", "stat", "gauge", "bargauge", "piechart", "table", "heatmap", "logs"]
DRAWINGS: tuple[str, ...] = get_args(Drawing)


class View:
    """A panel of the dashboard.

    Args:
        title: What stands above it; no other view in its *row* has it.
        *shows: Expressions, metrics, or objectives.
        row: The part of the dashboard it belongs to.
        drawn: How it is drawn; ``auto`` follows from the kinds of what it shows. With ``logs``, nothing shown are the
            log lines of the service.
        description: What a reader should know.
        style: Colours, axes, legend and the like, where they are to differ from what follows from what it shows.
    """

    def __init__(
        self,
        title: str,
        *shows: Expression | Measured | SLO,
        row: str = "",
        drawn: Drawing = "auto",
        description: str = "",
        style: Style | None = None,
    ) -> None:
        self.place = declaring()
        self.style = style or Style()
        self.title, self.row, self.drawn, self.description = title, row, drawn, description
        self.shows = tuple(Stat(one) if isinstance(one, Instrument | str) else one for one in shows)
        declared.add(self)

    def __repr__(self) -> str:
        return f"<anytel.View {self.title!r}>"

    @property
    def name(self) -> str:
        """The row and the title."""
        return f"{self.row}/{self.title}" if self.row else self.title
