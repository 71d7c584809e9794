"""Any value as plain data: what JSON can hold, redacted and bounded, whatever the value does when it is looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from anytel.attributes import scalar
from anytel.redaction import FILTERED, Redactor

__all__ = ["Plain", "plain"]

Plain: TypeAlias = "str | bool | int | float | list[Plain] | dict[str, Plain] | None"

MAX_DEPTH = 8
MAX_ITEMS = 200


def plain(value: object, redactor: Redactor, depth: int = MAX_DEPTH) -> Plain:
    """Give *value* as plain data. Never raises; what is too deep (as a cycle is) or too long ends in ``…``."""
    if value is None:
        return None
    kind = type(value)
    if kind in (str, int, float, bool):
        return redactor.value(value)  # type: ignore[arg-type]  # the line above is the check
    if depth == 0:
        return "…"
    try:
        return _container(value, redactor, depth - 1)
    except Exception:
        return redactor.value(scalar(value))


def _container(value: object, redactor: Redactor, depth: int) -> Plain:
    if isinstance(value, Mapping):
        return _mapping(value, redactor, depth)
    if isinstance(value, list | tuple | AbstractSet):
        shown = [plain(member, redactor, depth) for _, member in zip(range(MAX_ITEMS), value, strict=False)]
        return [*shown, "…"] if len(value) > MAX_ITEMS else shown
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named: dict[object, object] = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
        return _mapping(named, redactor, depth)
    if isinstance(value, BaseException):
        return redactor.text(f"{type(value).__name__}: {scalar(value)}")
    dump = getattr(value, "model_dump", None) or getattr(value, "item", None)  # pydantic's models, numpy's scalars
    if callable(dump) and not isinstance(value, type):
        return plain(dump(), redactor, depth)
    return redactor.value(scalar(value))


def _mapping(value: Mapping[object, object], redactor: Redactor, depth: int) -> dict[str, Plain]:
    shown: dict[str, Plain] = {}
    for index, (name, member) in enumerate(value.items()):
        if index == MAX_ITEMS:
            shown["…"] = len(value) - MAX_ITEMS
            break
        key = name if type(name) is str else str(scalar(name))
        shown[redactor.key(key)] = FILTERED if redactor.secret(key) else plain(member, redactor, depth)
    return shown
