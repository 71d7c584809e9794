"""Logs with context: the logger, the chain every event goes through, and how a line is written.

The names are loaded at first use, and structlog with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anytel.logs._processor import processor
    from anytel.logs.background import AsyncRenderer, flush_on_signals
    from anytel.logs.capture.stdlib import Formatter, Handler

__all__ = ["AsyncRenderer", "Formatter", "Handler", "flush_on_signals", "processor"]

_MODULES = {
    "AsyncRenderer": "background",
    "Formatter": "capture.stdlib",
    "Handler": "capture.stdlib",
    "flush_on_signals": "background",
    "processor": "_processor",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found
