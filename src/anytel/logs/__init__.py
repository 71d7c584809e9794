"""Logs with context: the logger, the chain every event goes through, and how a line is written.

The names are loaded at first use, and structlog with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anytel._lazy import lazily

if TYPE_CHECKING:
    from anytel.logs._processor import processor
    from anytel.logs.background import AsyncRenderer, flush_on_signals
    from anytel.logs.capture.stdlib import Formatter, Handler

__all__ = ["AsyncRenderer", "Formatter", "Handler", "flush_on_signals", "processor"]

__getattr__ = lazily(
    __name__,
    {
        "AsyncRenderer": "background",
        "Formatter": "capture.stdlib",
        "Handler": "capture.stdlib",
        "flush_on_signals": "background",
        "processor": "_processor",
    },
)
