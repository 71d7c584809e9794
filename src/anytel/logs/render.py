"""One event as one line: aligned and coloured on a terminal, JSON elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TypeAlias

import orjson
import structlog

from anytel.config.settings import terminal
from anytel.logs.tree import Plain

__all__ = ["Event", "Render", "escaped", "for_format", "write"]

Event: TypeAlias = dict[str, Plain]
Render: TypeAlias = Callable[[Event], str]

_BELOW = ("stack", "exception", "exc_info")
_MACHINE_ONLY = ("dd.trace_id", "dd.span_id", "service", "environment", "version", "span_id")


def for_format(log_format: str) -> Render:
    """Give the renderer for ``console``, ``json`` or ``auto``: console on a terminal."""
    people = terminal()
    if log_format == "json" or (log_format == "auto" and not people):
        return _json
    return _console(colors=people and not os.environ.get("NO_COLOR"))


def _json(event: Event) -> str:
    return orjson.dumps(event).decode()


def _console(*, colors: bool) -> Render:
    renderer = structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=28)

    def render(event: Event) -> str:
        # What the renderer itself shows below the line must be text.
        shown = {
            f"{name}_" if name in _BELOW and type(value) is not str else name: value for name, value in event.items()
        }
        shown = {name: value for name, value in shown.items() if name not in _MACHINE_ONLY}
        stack = shown.pop("exception.stacktrace", None)
        if stack is not None:
            shown["exception"] = stack
            shown = {name: value for name, value in shown.items() if not name.startswith("exception.")}
        return renderer(None, str(event.get("level", "info")), shown)

    return render


def write(line: str) -> None:
    """Write one line to standard output, as it is at this moment; a closed one is ignored."""
    try:
        try:
            sys.stdout.write(line + "\n")
        except UnicodeEncodeError:
            sys.stdout.write(escaped(line) + "\n")
        sys.stdout.flush()
    except (AttributeError, OSError, ValueError):  # none, a closed pipe, or a closed file
        return


def escaped(text: str) -> str:
    """Give *text* in ASCII, the rest written as JSON escapes it: for an output whose encoding lacks a character."""
    return "".join(one if one.isascii() else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
