"""One event as one line: aligned and coloured on a terminal, JSON elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TypeAlias

import orjson
import structlog

from anytel.logs.tree import Plain

__all__ = ["Event", "Render", "for_format", "write"]

Event: TypeAlias = dict[str, Plain]
Render: TypeAlias = Callable[[Event], str]

_MACHINE_ONLY = ("dd.trace_id", "dd.span_id", "service", "environment", "version", "span_id")


def for_format(log_format: str) -> Render:
    """Give the renderer for ``console``, ``json`` or ``auto``: console on a terminal."""
    terminal = sys.stdout is not None and sys.stdout.isatty()
    if log_format == "json" or (log_format == "auto" and not terminal):
        return _json
    return _console(colors=terminal and not os.environ.get("NO_COLOR"))


def _json(event: Event) -> str:
    return orjson.dumps(event).decode()


def _console(*, colors: bool) -> Render:
    renderer = structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=28)

    def render(event: Event) -> str:
        shown = {name: value for name, value in event.items() if name not in _MACHINE_ONLY}
        stack = shown.pop("exception.stacktrace", None)
        if stack is not None:
            shown["exception"] = stack
            shown = {name: value for name, value in shown.items() if not name.startswith("exception.")}
        return renderer(None, str(event.get("level", "info")), shown)

    return render


def write(line: str) -> None:
    """Write one line to standard output, as it is at this moment; a closed one is ignored."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except (AttributeError, OSError, ValueError):  # none, a closed pipe, or a closed file
        return
