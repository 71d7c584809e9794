"""What happens to a line for which the queue has no room."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from anytel.errors import ConfigError

__all__ = ["WhenFull", "check"]

WhenFull: TypeAlias = Literal["block", "drop_oldest", "drop_newest"]
"""The caller waits for room, or the line that waits longest is lost, or the new one is."""


def check(when_full: str, limit: int) -> None:
    """Refuse what cannot be used.

    Raises:
        ConfigError: An unknown policy, or a queue without room.
    """
    if when_full not in get_args(WhenFull):
        known = ", ".join(get_args(WhenFull))
        raise ConfigError("when_full", when_full, "an argument", "there is no such policy", f"Use one of: {known}.")
    if limit < 1:
        raise ConfigError("limit", limit, "an argument", "the queue would hold no line", "Use 1 or more.")
