"""Envelopes taken apart (https://develop.sentry.dev/sdk/foundations/transport/envelopes/)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Envelope", "Item", "Json", "decode"]

Json: TypeAlias = dict[str, Any]

_JSON = frozenset({"event", "transaction", "span", "log", "trace_metric", "client_report"})
"""Items that are JSON, whatever their content type says."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an envelope; *payload* is decoded where it is JSON."""

    headers: Json
    data: bytes
    payload: Any = None

    @property
    def type(self) -> str:
        """What kind of item this is: ``event``, ``span``, ``log``, ..."""
        return str(self.headers.get("type", ""))


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope; ``headers["trace"]`` is its sampling context."""

    headers: Json
    items: list[Item]


def decode(body: bytes) -> Envelope:
    """Take an envelope apart.

    Raises:
        ValueError: it is not an envelope.
    """
    line, position = _line(body, 0)
    headers = _object(line, "envelope header")
    items = []
    while position < len(body):
        line, position = _line(body, position)
        if not line.strip():
            continue
        header = _object(line, "item header")
        data, position = _data(body, position, header)
        items.append(Item(header, data, _payload(header, data)))
    return Envelope(headers, items)


def _line(body: bytes, position: int) -> tuple[bytes, int]:
    end = body.find(b"\n", position)
    return (body[position:], len(body)) if end < 0 else (body[position:end], end + 1)


def _object(line: bytes, what: str) -> Json:
    try:
        value = json.loads(line, parse_constant=_no_constant)
    except ValueError as error:
        raise ValueError(f"the {what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"the {what} is not an object")  # noqa: TRY004 -- one kind of error for all that is wrong
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _data(body: bytes, position: int, header: Json) -> tuple[bytes, int]:
    """Give the bytes of one item and where the next begins; without a length, an item ends with its line."""
    if "length" not in header:
        return _line(body, position)
    end = position + int(header["length"])
    if end > len(body):
        raise ValueError(f"the item ends {end - len(body)} bytes after the envelope")
    if body[end : end + 1] not in (b"", b"\n"):
        raise ValueError("the item is longer than its length")
    return body[position:end], end + 1


def _payload(header: Json, data: bytes) -> Any:
    if not header.get("type"):
        raise ValueError("the item has no type")
    is_json = header["type"] in _JSON or "json" in str(header.get("content_type", ""))
    return _object(data, f"{header['type']} payload") if is_json else None
