"""Rendering and writing away from the caller: one bounded queue, and one thread that empties it."""

from anytel.logs.background.accounts import LineCounts
from anytel.logs.background.policy import WhenFull
from anytel.logs.background.process import flush_on_signals
from anytel.logs.background.renderer import AsyncRenderer, BackgroundWriter

__all__ = ["AsyncRenderer", "BackgroundWriter", "LineCounts", "WhenFull", "flush_on_signals"]
