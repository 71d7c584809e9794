"""Findings: what a check says."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

__all__ = ["Finding", "Outcome"]

Outcome: TypeAlias = Literal["passed", "failed", "skipped", "noted"]
"""``skipped`` was not looked at, and is not passed; ``noted`` may be right, and a person should know."""


class Finding(NamedTuple):
    """What one *check* says of one file (or of the folder, where *file* is empty), and why."""

    check: str
    outcome: Outcome
    file: str = ""
    detail: str = ""
