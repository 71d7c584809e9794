"""How lines look before `anytel.configure`."""

from __future__ import annotations

from anytel.logs import render
from anytel.logs.chain import Chain
from anytel.redaction import Redactor

__all__ = ["chain"]


def chain() -> Chain:
    """Make a chain that only writes."""
    return Chain({}, Redactor(), render.for_format("auto"), None)
