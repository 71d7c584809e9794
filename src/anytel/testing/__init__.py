"""Tools for tests: the ``telemetry`` fixture, the conformance kit, and loopback receivers that decode what arrives.

The names are loaded at first use; `anytel.testing.conformance` and `anytel.testing.receivers` stand alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anytel.testing.captured import CapturedError, CapturedLog, CapturedMetric, CapturedSpan
    from anytel.testing.clock import Clock
    from anytel.testing.telemetry import Telemetry, capture

__all__ = ["CapturedError", "CapturedLog", "CapturedMetric", "CapturedSpan", "Clock", "Telemetry", "capture"]

_MODULES = {
    "CapturedError": "captured",
    "CapturedLog": "captured",
    "CapturedMetric": "captured",
    "CapturedSpan": "captured",
    "Clock": "clock",
    "Telemetry": "telemetry",
    "capture": "telemetry",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found
