"""Warnings as records of the logger ``py.warnings``, as `logging.captureWarnings` does, and with their category."""

from __future__ import annotations

import logging
import warnings
from typing import TextIO

from anytel.logs.capture.stdlib import EVENT

__all__ = ["Warned"]

logger = logging.getLogger("py.warnings")


class Warned:
    """Takes the place of `warnings.showwarning` between `install` and `uninstall`."""

    def __init__(self) -> None:
        self._previous = warnings.showwarning
        self._hook = self._show
        self._installed = False

    def install(self) -> None:
        """Log the warnings that are shown from now on."""
        self._previous = warnings.showwarning
        warnings.showwarning = self._hook
        self._installed = True

    def uninstall(self) -> None:
        """Show them as before; where somebody has replaced us since, pass on what they pass to us."""
        self._installed = False
        if warnings.showwarning is self._hook:
            warnings.showwarning = self._previous

    def _show(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not self._installed or file is not None:
            self._previous(message, category, filename, lineno, file, line)
        elif logger.isEnabledFor(logging.WARNING):
            values = {"category": category.__name__, "filename": filename, "lineno": lineno}
            shown = warnings.formatwarning(message, category, filename, lineno, line)
            extra = {EVENT: (str(message), values)}
            record = logger.makeRecord(logger.name, logging.WARNING, filename, lineno, shown, (), None, extra=extra)
            logger.handle(record)
