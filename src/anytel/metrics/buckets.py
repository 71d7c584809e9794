"""Default histogram buckets: they follow the unit, or the first bucket would swallow everything."""

from __future__ import annotations

__all__ = ["SECONDS", "default", "per_second"]

# The HTTP advice of the OpenTelemetry semantic conventions, from 5 ms to 10 s.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_BYTES = tuple(float(4**power) for power in range(4, 16))  # 256 B to 1 GiB
_RATIO = tuple(step / 20 for step in range(1, 21))
_OTHER = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0)

_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9, "min": 1 / 60, "h": 1 / 3600}


def per_second(unit: str) -> float | None:
    """Give how many *unit* make one second, or None where *unit* (UCUM) is no time."""
    return _PER_SECOND.get(unit)


def default(unit: str) -> tuple[float, ...]:
    """Give the inclusive upper bounds for values in *unit*."""
    scale = per_second(unit)
    if scale is not None:
        return tuple(float(f"{bound * scale:.12g}") for bound in SECONDS)
    return {"By": _BYTES, "1": _RATIO}.get(unit, _OTHER)
