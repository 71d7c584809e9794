"""Attribute values: what the caller gave, taken as a snapshot on the caller's thread.

Nothing of the user's runs later: what is not a scalar already becomes one here, so that no backend can run a
``__str__`` on its worker or see a value that has changed meanwhile.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, time
from itertools import islice

from anytel.backend import Scalar

__all__ = ["MAX_ATTRIBUTES", "MAX_TEXT", "flatten", "scalar", "text"]

MAX_ATTRIBUTES = 128
"""Attributes of one span, event, log event or error; what is over is counted and dropped."""
MAX_TEXT = 8_192
"""Characters of one attribute value; what is over is cut."""
MAX_ITEMS = 64
MAX_DEPTH = 4

_SCALARS = frozenset({str, int, float, bool})
Value = Scalar | tuple[Scalar, ...]


def flatten(attributes: Mapping[str, object]) -> dict[str, Value]:
    """Take a snapshot of *attributes*: None is left out, nested mappings, also in lists, become dotted names."""
    flat: dict[str, Value] = {}
    for key, value in attributes.items():
        if type(value) in _SCALARS and type(key) is str:
            flat[key] = value  # type: ignore[assignment]  # the line above is the check
        elif value is not None:
            members = _nested(key if type(key) is str else text(key), value, MAX_DEPTH)
            flat.update(islice(members, MAX_ITEMS))
    return flat


def _nested(key: str, value: object, depth: int) -> Iterator[tuple[str, Value]]:
    members = _members(value)
    if members is None:
        yield key, _value(value)
    elif depth == 0:
        yield key, "…"
    else:
        for name, member in members:
            if member is not None:
                yield from _nested(f"{key}.{text(name)}", member, depth - 1)


def _members(value: object) -> list[tuple[object, object]] | None:
    """Give a mapping's first members, or those of a sequence of mappings by their number; None for anything else."""
    try:
        if isinstance(value, Mapping):
            return [(name, member) for name, member in islice(value.items(), MAX_ITEMS)]
        if isinstance(value, list | tuple) and any(isinstance(member, Mapping) for member in islice(value, MAX_ITEMS)):
            return list(enumerate(islice(value, MAX_ITEMS)))
    except Exception:
        return None
    return None


def _value(value: object) -> Value:
    try:
        if isinstance(value, list | tuple | AbstractSet):
            return tuple(scalar(member) for member in islice(value, MAX_ITEMS))
    except Exception:
        return text(value)
    return scalar(value)


def scalar(value: object) -> Scalar:
    """Give *value* as a string, bool, integer or float; never raises."""
    if type(value) in _SCALARS:
        return value  # type: ignore[return-value]  # the line above is the check
    try:
        if isinstance(value, enum.Enum):
            return scalar(value.value)
        if isinstance(value, int | float):
            return int(value) if isinstance(value, int) else float(value)
    except Exception:
        return text(value)
    return text(value)


def text(value: object) -> str:
    """Give *value* as a bounded string; never raises."""
    try:
        if isinstance(value, enum.Enum):
            return text(value.value)
        if isinstance(value, bytes | bytearray):
            return bytes(value[:MAX_TEXT]).decode("utf-8", "backslashreplace")
        if isinstance(value, date | time):
            return value.isoformat()
        return str(value)[:MAX_TEXT]
    except Exception:
        return f"<unprintable {type(value).__name__}>"
