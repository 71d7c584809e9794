"""Queries that a person has written: they are read before anything is generated from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Raw
from anytel.catalogue.validate import problem

__all__ = ["unreadable"]


def unreadable(
    catalogue: Catalogue, language: Literal["promql", "logql"], read: Callable[[str], object]
) -> Iterator[str]:
    """Give what is wrong with the queries of alerts in a *language*, at their places; *read* raises ValueError."""
    for alert in catalogue.alerts:
        condition = alert.condition
        query: str = getattr(condition, language) if isinstance(condition, Raw) else ""
        if query:
            try:
                read(query)
            except ValueError as exc:
                wrong = f"{language}= cannot be read: {exc}"
                yield problem(condition.place, f"alert {alert.name!r}", wrong, f"Correct {query!r}.")
