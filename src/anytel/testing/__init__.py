"""Tools for tests: the ``telemetry`` fixture, the conformance kit, and loopback receivers that decode what arrives.

The names are loaded at first use; `anytel.testing.conformance` and `anytel.testing.receivers` stand alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anytel._lazy import lazily

if TYPE_CHECKING:
    from anytel.testing.captured import CapturedError, CapturedLog, CapturedMetric, CapturedSpan
    from anytel.testing.clock import Clock
    from anytel.testing.telemetry import Telemetry, capture

__all__ = ["CapturedError", "CapturedLog", "CapturedMetric", "CapturedSpan", "Clock", "Telemetry", "capture"]

__getattr__ = lazily(
    __name__,
    {
        "CapturedError": "captured",
        "CapturedLog": "captured",
        "CapturedMetric": "captured",
        "CapturedSpan": "captured",
        "Clock": "clock",
        "Telemetry": "telemetry",
        "capture": "telemetry",
    },
)
