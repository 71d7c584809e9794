"""The version that backends report."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

__all__ = ["version"]


@cache
def version() -> str:
    """Give the installed version of anytel; ``0.0.0`` where it runs without being installed."""
    try:
        return installed("anytel")
    except PackageNotFoundError:
        return "0.0.0"
