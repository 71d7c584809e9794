"""Checking a folder of artefacts: by rules of our own, by the vendors' tools where they are, and by a live server."""

from anytel.generate.checking.check import check
from anytel.generate.checking.finding import Finding

__all__ = ["Finding", "check"]
