"""What a renderer has given, and what is written where it has failed."""

from __future__ import annotations

import orjson

from anytel.attributes import MAX_TEXT

__all__ = ["as_text", "unrendered"]


def as_text(rendered: object) -> str:
    """Give what a structlog renderer has given as text: mostly it is, one with orjson gives bytes."""
    if isinstance(rendered, str):
        return rendered
    if isinstance(rendered, bytes | bytearray):
        return rendered.decode("utf-8", "backslashreplace")
    return _shown(rendered)


def unrendered(item: object, problem: BaseException) -> str:
    """Give the line for an item that could not be rendered; never raises."""
    shown = {"level": "error", "event": "log_line_unrendered", "problem": _shown(problem), "line": _shown(item)}
    return orjson.dumps(shown).decode()


def _shown(value: object) -> str:
    try:
        return repr(value)[:MAX_TEXT].encode("utf-8", "backslashreplace").decode()
    except BaseException:
        return f"<unprintable {type(value).__name__}>"
