"""Our part of the chain of an application that has configured structlog itself."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

import structlog

from anytel import misuse
from anytel.attributes import text
from anytel.logs import logger as logs

__all__ = ["processor"]

EventDict = MutableMapping[str, object]

_THEIRS = frozenset({"timestamp", "level", "logger", "exc_info", "stack_info", "stack"})
_NOT_ADDED = frozenset({"exception.type", "exception.message", "exception.stacktrace"})


def processor(logger: object, method: str, event_dict: EventDict) -> EventDict:
    """Add our context and the ids to a structlog event, redact it, and give it to the backends.

    Put it where the event is complete, and before exceptions are formatted and the line is rendered:
    ``structlog.configure(processors=[..., anytel.logs.processor, JSONRenderer()])``. The values are then plain (what
    JSON can hold). Time, level, name, exception and stack are left to the other processors.

    Raises:
        structlog.DropEvent: A processor that was given to `anytel.configure` has dropped the event.
    """
    try:
        done = _chain_event(logger, method, event_dict)
    except structlog.DropEvent:
        raise
    except Exception as exc:
        return misuse.refuse("log", f"a structlog event could not be processed: {exc!r}", event_dict, once="processor")
    theirs = {name: value for name, value in event_dict.items() if name in _THEIRS or _internal(name)}
    return {**{name: value for name, value in done.items() if name not in _NOT_ADDED}, **theirs}


def _chain_event(logger: object, method: str, event_dict: EventDict) -> Mapping[str, object]:
    """Have our chain make its event, and send it."""
    level = str(event_dict.get("level", method))
    name = event_dict.get("logger", getattr(logger, "name", ""))
    skipped = _THEIRS - {"exc_info"}
    values = {key: value for key, value in event_dict.items() if key not in skipped and not _internal(key)}
    done = logs.chain().event(text(name), level, values)
    for added in ("timestamp", "level", "logger"):
        done.pop(added)
    return done


def _internal(name: object) -> bool:
    """Say whether a key is one by which structlog's processors talk to one another."""
    return isinstance(name, str) and name.startswith("_")
