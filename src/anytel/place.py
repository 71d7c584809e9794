"""Places in the code: where something was declared, so that a message can lead there."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

__all__ = ["NOWHERE", "Place", "declaring"]

_OURS = ("anytel.metrics.", "anytel.catalogue.", "anytel.place")


class Place(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self._shown()}:{self.line}"

    def _shown(self) -> str:
        try:
            near = os.path.relpath(self.file)
        except ValueError:  # on another drive
            return self.file
        return self.file if near.startswith("..") else near


NOWHERE = Place("<unknown>", 0)


def declaring() -> Place:
    """Give the line that is declaring something: the innermost one outside of what declarations are made of."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith(_OURS):
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno)
