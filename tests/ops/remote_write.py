"""A client of Prometheus' remote write 1.0 (https://prometheus.io/docs/specs/prw/remote_write_spec/)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from urllib.request import Request

from real.web import send

__all__ = ["push"]

Samples = Sequence[tuple[float, float]]
"""Seconds since 1970, and values."""


def push(url: str, *series: tuple[Mapping[str, str], Samples]) -> None:
    """Send series, each by its labels (``__name__`` among them) with its samples in order."""
    body = _snappy(b"".join(_field(1, _series(labels, samples)) for labels, samples in series))
    kind = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
    send(Request(url, data=body, headers={**kind, "X-Prometheus-Remote-Write-Version": "0.1.0"}, method="POST"))


def _series(labels: Mapping[str, str], samples: Samples) -> bytes:
    pairs = (_field(1, name.encode()) + _field(2, value.encode()) for name, value in sorted(labels.items()))
    points = (b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(int(at * 1000)) for at, value in samples)
    return b"".join(_field(1, pair) for pair in pairs) + b"".join(_field(2, point) for point in points)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def _snappy(data: bytes) -> bytes:
    """Frame *data* as literals, uncompressed, which every reader of snappy's block format takes."""
    parts = [data[start : start + 65536] for start in range(0, len(data), 65536)]
    return _varint(len(data)) + b"".join(b"\xf4" + struct.pack("<H", len(one) - 1) + one for one in parts)
