"""The log side of one `configure`: its chain, the writer behind it, and what is captured of others' logs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from anytel.logs import capture, render
from anytel.logs import logger as logs
from anytel.logs.background import BackgroundWriter
from anytel.logs.chain import Chain, Processor

if TYPE_CHECKING:
    from anytel.config.settings import Settings
    from anytel.pipeline.pipeline import Pipeline

__all__ = ["LogOutput"]


class LogOutput:
    """Writes lines as *settings* say, on the caller's thread or in the background, once it is in force."""

    def __init__(self, settings: Settings, pipeline: Pipeline, processors: Sequence[Processor]) -> None:
        rendered = render.for_format(settings.log_format.value)
        self._level = settings.log_level.value
        # Debug by default, as in development, is meant for the application's own lines, not for every library's.
        self._others = "info" if settings.log_level.origin == "default" else self._level
        self._capture = settings.capture_stdlib.value
        self._writer = BackgroundWriter(rendered) if settings.log_mode.value == "async" else None
        put = self._writer.put if self._writer is not None else None
        self._chain = Chain(settings.resource, pipeline.redactor, rendered, pipeline, processors, put)

    def put_into_force(self) -> None:
        """Have all loggers, and what is captured, come out here."""
        logs.use(self._chain, self._level, share=True)
        capture.start(self._capture, self._others)

    def flush(self, deadline: float) -> bool:
        """Write what waits; whether all of it was written by *deadline*."""
        return self._writer is None or self._writer.flush(max(deadline - time.monotonic(), 0.0))

    def close(self, deadline: float) -> bool:
        """Write what waits and end the thread; later lines are written at once."""
        return self._writer is None or self._writer.close(max(deadline - time.monotonic(), 0.0))
