"""The two ways in: a processor for any structlog configuration, and the writer behind our own chain."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import NoReturn, TypeAlias

import structlog
from structlog.typing import Processor

from anytel.attributes import scalar, text
from anytel.logs.background.accounts import LineCounts, Loss, dropped_event
from anytel.logs.background.line import as_text
from anytel.logs.background.policy import WhenFull
from anytel.logs.background.sink import Target, sink_for
from anytel.logs.background.writer import PATIENCE, Writer
from anytel.logs.render import Event, Render

__all__ = ["AsyncRenderer", "BackgroundWriter"]

MAX_DEPTH = 8
_FIXED = frozenset({str, int, float, bool, type(None), bytes})
_Call: TypeAlias = tuple[object, str, dict[str, object]]


class BackgroundWriter(Writer[Event]):
    """Renders and writes the events of our chain, which are plain data already and not changed afterwards.

    *write* is called with one or more whole lines, each with its newline; it may be a text stream, and by default is
    standard output, as it is at each moment. *when_full*, *limit* (lines) and *patience* (seconds) are those of
    `AsyncRenderer`.

    Raises:
        ConfigError: An unknown policy, or a limit below 1.
    """

    def __init__(
        self,
        render: Render,
        write: Target = None,
        when_full: WhenFull = "block",
        limit: int = 10_000,
        *,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(render, sink_for(write), dropped_event, when_full=when_full, limit=limit, patience=patience)


class AsyncRenderer:
    """The last processor of a structlog configuration: renders and writes on a thread of its own.

    ``structlog.configure(processors=[..., AsyncRenderer(renderer=structlog.processors.JSONRenderer())])``

    The event is taken as it is at the call: its dictionaries, lists and sets are copied (down to 8 levels), other
    objects are rendered later, by reference. The logger behind structlog gets nothing.

    Args:
        renderer: A structlog renderer; by default JSON. One that fails gets the event again as plain text values; if
            that fails too, the line is the event's representation.
        when_full: What happens when *limit* lines wait. ``block``: the caller waits for room, for *patience* seconds at
            most, once; then lines are lost without waiting until the sink works again. ``drop_oldest``,
            ``drop_newest``: the line that waits longest is lost, or the new one.
        limit: Lines that may wait; up to 256 more are being written.
        write: A function that gets one or more whole lines, each with its newline; or a text stream; by default
            standard output, as it is at each moment.
        patience: Seconds.

    Lost lines are counted in `stats`, and reported in the stream at most once a second by a line with the event
    ``log_lines_dropped``, its ``count`` and ``reason``.

    Raises:
        ConfigError: An unknown policy, or a limit below 1.
    """

    def __init__(
        self,
        renderer: Processor | None = None,
        *,
        when_full: WhenFull = "block",
        limit: int = 10_000,
        write: Target = None,
        patience: float = PATIENCE,
    ) -> None:
        self._renderer = renderer if renderer is not None else structlog.processors.JSONRenderer()
        self._writer = Writer[_Call](
            self._render, sink_for(write), _report, when_full=when_full, limit=limit, patience=patience
        )

    def __call__(self, logger: object, method: str, event_dict: MutableMapping[str, object]) -> NoReturn:
        """Take the event; called by structlog.

        Raises:
            structlog.DropEvent: Always: the line is written later.
        """
        self._writer.put((logger, method, _snapshot(event_dict)))
        raise structlog.DropEvent

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until everything so far is written.

        Gives whether it was within *timeout* seconds, and nothing was lost since the last time that somebody asked.
        """
        return self._writer.flush(timeout)

    def close(self, timeout: float = 2.0) -> bool:
        """Write everything and end the thread; later lines are written at once by whoever logs them.

        Gives what `flush` gives. At exit it is done for you.
        """
        return self._writer.close(timeout)

    def stats(self) -> LineCounts:
        """Give the account as it stands."""
        return self._writer.stats()

    def _render(self, call: _Call) -> str:
        logger, method, event = call
        try:
            return as_text(self._renderer(logger, method, dict(event)))
        except Exception as exc:
            plain: dict[str, object] = {text(name): scalar(value) for name, value in event.items()}
            return as_text(self._renderer(logger, method, {**plain, "log_error": text(exc)}))


def _report(reason: Loss, count: int) -> _Call:
    return None, "warning", dict(dropped_event(reason, count))


def _snapshot(event_dict: MutableMapping[str, object]) -> dict[str, object]:
    event = dict(event_dict)
    for name, value in event.items():
        if type(value) not in _FIXED:
            event[name] = _attempt(value)
    raised = event.get("exc_info")
    if isinstance(raised, int) and raised:
        event["exc_info"] = sys.exc_info()  # the one being handled here; on the thread there is none
    return event


def _attempt(value: object) -> object:
    try:
        return _copy(value, {}, MAX_DEPTH)
    except Exception:  # changed by another thread meanwhile
        return value


def _copy(value: object, seen: dict[int, object], depth: int) -> object:
    """Copy the containers in *value*, those that hold themselves too; what is below *depth* is not copied."""
    if type(value) in _FIXED or not depth:
        return value
    if id(value) in seen:
        return seen[id(value)]
    if type(value) is dict:
        mapping: dict[object, object] = {}
        seen[id(value)] = mapping
        mapping.update((name, _copy(member, seen, depth - 1)) for name, member in value.items())
        return mapping
    if type(value) is list:
        members: list[object] = []
        seen[id(value)] = members
        members.extend(_copy(member, seen, depth - 1) for member in value)
        return members
    if type(value) is tuple:
        seen[id(value)] = copied = tuple(_copy(member, seen, depth - 1) for member in value)
        return copied
    return set(value) if type(value) is set else value
