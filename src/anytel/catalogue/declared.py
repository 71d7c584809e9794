"""What was declared in this process, in the order of declaration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from anytel.place import Place

__all__ = ["Declaration", "add", "everything", "forget", "several"]


class Declaration(Protocol):
    """An objective, an alert or a view."""

    @property
    def name(self) -> str:
        """Its name, which no other of its kind has."""

    @property
    def place(self) -> Place:
        """Where it is declared."""


D = TypeVar("D", bound=Declaration)

_all: dict[tuple[type, str, Place], Declaration] = {}


def add(one: Declaration) -> None:
    """Remember a declaration; when a module is reloaded, its lines replace what they have declared before."""
    _all[type(one), str(one.name), one.place] = one


def everything(kind: type[D]) -> tuple[D, ...]:
    """Give the declarations of one kind."""
    return tuple(one for one in _all.values() if isinstance(one, kind))


def several(given: str | Iterable[str]) -> tuple[str, ...]:
    """Take one text for what may be several."""
    return (given,) if isinstance(given, str) else tuple(given)


def forget() -> None:
    """Forget all; for tests."""
    _all.clear()
