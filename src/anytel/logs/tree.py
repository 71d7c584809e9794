"""Any value as plain data: what JSON can hold, redacted and bounded, whatever the value does when it is looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from anytel.attributes import scalar
from anytel.redaction import FILTERED, Redactor

__all__ = ["Plain", "plain"]

Plain: TypeAlias = "str | bool | int | float | list[Plain] | dict[str, Plain] | None"

MAX_DEPTH = 8
MAX_ITEMS = 200
MAX_MEMBERS = 1_000
"""Members of one value, at all depths: one that refers to itself many times has endlessly many."""


def plain(value: object, redactor: Redactor) -> Plain:
    """Give *value* as plain data. Never raises; what is too deep (as a cycle is) or too long ends in ``…``."""
    if value is None:
        return None
    if type(value) in (str, int, float, bool):
        return redactor.value(value)  # type: ignore[arg-type]  # the line above is the check
    return _Tree(redactor).plain(value, MAX_DEPTH)


class _Tree:
    """One value on its way to plain data, with the room that is left for its members."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._room = MAX_MEMBERS

    def plain(self, value: object, depth: int) -> Plain:
        """Give a member as plain data; *depth* is how many levels more there may be."""
        self._room -= 1
        if value is None:
            return None
        if type(value) in (str, int, float, bool):
            return self._redactor.value(value)  # type: ignore[arg-type]  # the line above is the check
        if depth == 0 or self._room < 0:
            return "…"
        try:
            return self._container(value, depth - 1)
        except Exception:
            return self._redactor.value(scalar(value))

    def _container(self, value: object, depth: int) -> Plain:
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, list | tuple | AbstractSet):
            return self._list(value, depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            named: dict[object, object] = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
            return self._mapping(named, depth)
        if isinstance(value, BaseException):
            return self._redactor.text(f"{type(value).__name__}: {scalar(value)}")
        dump = _dump(value)
        return self.plain(dump(), depth) if dump is not None else self._redactor.value(scalar(value))

    def _list(self, value: Collection[object], depth: int) -> list[Plain]:
        shown: list[Plain] = []
        for index, member in enumerate(value):
            if index == MAX_ITEMS or self._room <= 0:
                shown.append("…")
                break
            shown.append(self.plain(member, depth))
        return shown

    def _mapping(self, value: Mapping[object, object], depth: int) -> dict[str, Plain]:
        redactor = self._redactor
        shown: dict[str, Plain] = {}
        for index, (name, member) in enumerate(value.items()):
            if index == MAX_ITEMS or self._room <= 0:
                shown["…"] = len(value) - index
                break
            key = name if type(name) is str else str(scalar(name))
            shown[redactor.key(key)] = FILTERED if redactor.secret(key) else self.plain(member, depth)
        return shown


def _dump(value: object) -> Callable[[], object] | None:
    """Give what makes plain data of pydantic's models and numpy's scalars."""
    dump = getattr(value, "model_dump", None) or getattr(value, "item", None)
    return dump if callable(dump) and not isinstance(value, type) else None
