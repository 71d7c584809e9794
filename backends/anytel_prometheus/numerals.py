"""Numerals: numbers as Prometheus and Go spell them."""

from __future__ import annotations

from prometheus_client.utils import floatToGoString

__all__ = ["bound", "number"]


def bound(value: float) -> str:
    """Spell the bound of a bucket just as ``prometheus_client`` does, since it is part of the series' identity."""
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]  # theirs has no types


def number(value: float) -> str:
    """Spell the value of a sample."""
    digits = repr(value)
    # "inf" and "nan", which sums may reach, are spelled differently there.
    return bound(value) if "n" in digits else digits
