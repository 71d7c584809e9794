"""Attribute values in Sentry's wire form (https://develop.sentry.dev/sdk/telemetry/attributes/)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from anytel.backend import Scalar

__all__ = ["Typed", "encode", "plain", "typed"]

Typed: TypeAlias = dict[str, dict[str, object]]

_TYPES = {bool: "boolean", int: "integer", float: "double", str: "string"}

encode = msgspec.json.Encoder().encode
"""Encode plain data as JSON bytes."""


def plain(value: Scalar | tuple[Scalar, ...]) -> object:
    """Give *value* as the SDK keeps it: scalars, and lists of scalars of one type; other lists become JSON text."""
    if not isinstance(value, tuple):
        return value
    one_type = len({type(each) for each in value}) <= 1
    return list(value) if one_type else encode(value).decode()


def typed(attributes: Mapping[str, object] | Iterable[tuple[str, object]]) -> Typed:
    """Give every attribute its type; values are as `plain` gives them."""
    return {
        name: {"value": value, "type": _TYPES.get(type(value), "array")} for name, value in dict(attributes).items()
    }
