"""Units: UCUM, as OpenTelemetry writes it, to Sentry's names (https://develop.sentry.dev/sdk/telemetry/attributes/#units)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["sentry_unit"]

_NAMES: Mapping[str, str] = {
    "ns": "nanosecond",
    "us": "microsecond",
    "ms": "millisecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "wk": "week",
    "bit": "bit",
    "By": "byte",
    "kBy": "kilobyte",
    "KiBy": "kibibyte",
    "MBy": "megabyte",
    "MiBy": "mebibyte",
    "GBy": "gigabyte",
    "GiBy": "gibibyte",
    "TBy": "terabyte",
    "TiBy": "tebibyte",
    "1": "ratio",
    "%": "percent",
}


def sentry_unit(unit: str) -> str | None:
    """Give Sentry's name of *unit*; annotations lose their braces, and what is unknown stays as it is."""
    return _NAMES.get(unit, unit.removeprefix("{").removesuffix("}")) or None
