"""Standard logging as events of our chain: a handler, and a formatter for handlers that an application keeps.

The message of a record is the event, and what was given with ``extra=`` are its values. Each record comes out once,
however many of our handlers it meets.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy

from structlog import DropEvent

from anytel import misuse
from anytel.attributes import text
from anytel.logs import logger as logs
from anytel.logs import render
from anytel.logs.chain import Chain, Output
from anytel.logs.event import formatted

__all__ = ["EVENT", "Formatter", "Handler"]

EVENT = "_anytel_event"
"""A record's attribute: the event and the values that stand for its message and its ``extra=``."""
DEPTH = 2
"""Log calls within one another (as of a ``__str__`` that logs) that come out; deeper ones are counted and dropped."""

_SEEN = "_anytel"  # with an underscore, by which other formatters know what not to show
_OWN = frozenset({
    *vars(logging.makeLogRecord({})), "message", "asctime", "taskName", _SEEN, EVENT,
    "color_message",  # uvicorn's message once more, with escape sequences
    "_logger", "_name", "_record", "_from_structlog",  # structlog's
})  # fmt: skip
_SDK_THREADS = ("sentry", "ddtrace", "datadog")


class Handler(logging.Handler):
    """Writes each record as a line of ours and gives it to the backends, unless another one has done so.

    It follows `anytel.configure`, also when it was made before, and works without a lock.
    """

    def createLock(self) -> None:  # noqa: N802 -- the name that logging calls
        """Have none: a value's ``__str__`` may wait for a thread that logs, and lines are written whole."""
        self.lock = None

    def _at_fork_reinit(self) -> None:
        """Have no lock in a forked child either."""

    def handle(self, record: logging.LogRecord) -> bool:
        """Emit the record unless a filter refuses it; whether none did."""
        kept: object = self.filter(record)
        if kept:
            self.emit(kept if isinstance(kept, logging.LogRecord) else record)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record's event."""
        try:
            with _nested() as depth:
                if depth <= DEPTH and _first(record):
                    _log(record)
        except Exception:
            self.handleError(record)


class Formatter(logging.Formatter):
    """Formats records as our lines: ``handler.setFormatter(anytel.logs.Formatter())``.

    The record goes to the backends too, once, whatever other handlers it meets. *log_format* is ``json`` or
    ``console``; by default it is as `anytel.configure` says.
    """

    def __init__(self, log_format: str | None = None) -> None:
        super().__init__()
        self._render = render.for_format(log_format) if log_format is not None else None

    def format(self, record: logging.LogRecord) -> str:
        """Give the line; an empty one where a log processor has dropped the event."""
        with _nested() as depth:
            if depth > DEPTH:
                return super().format(record)
            chain = logs.chain() if _first(record) else _silent(logs.chain())
            try:
                event = chain.event(record.name, _level(record.levelno), _values(record))
            except DropEvent:
                return ""
            return (self._render or chain.render)(event)


def _log(record: logging.LogRecord) -> None:
    """Log it; what telemetry's own threads log while they deliver is only written: else it would never end."""
    level, values = _level(record.levelno), _values(record)
    if not _delivers(threading.current_thread().name):
        event = values.pop("event")
        logs.emit(record.name, level, event, values)  # type: ignore[arg-type]  # the message, whatever its type
    elif logs.LEVELS[level] >= (logs._epoch or logs._begin()).level:
        output = Output(record.name)
        with suppress(DropEvent):
            output.msg(_silent(logs.chain())(output, level, values))


def _silent(chain: Chain) -> Chain:
    """Give *chain* without its backends."""
    silent = copy(chain)
    silent._pipeline = None
    return silent


def _delivers(thread: str) -> bool:
    if thread.startswith("anytel-"):
        pipeline = logs.chain()._pipeline
        names = ("dispatcher", *(outlet.name for outlet in (pipeline.outlets if pipeline is not None else ())))
        return thread.removeprefix("anytel-") in names
    return thread.startswith(_SDK_THREADS)


def _first(record: logging.LogRecord) -> bool:
    """Mark the record; whether it was not marked yet."""
    first = _SEEN not in record.__dict__
    record.__dict__[_SEEN] = True
    return first


class _Depth(threading.local):
    value = 0


_depth = _Depth()


@contextmanager
def _nested() -> Iterator[int]:
    """Give how many records this thread is handling within one another."""
    _depth.value += 1
    try:
        if _depth.value == DEPTH + 1:
            misuse.refuse("log_recursion", "handling a log record logs another one, without end", None)
        yield _depth.value
    finally:
        _depth.value -= 1


def _level(number: int) -> str:
    """Give the name of the level that *number* has reached; ours have the numbers of `logging`."""
    reached = [name for name, least in logs.LEVELS.items() if least <= number]
    return reached[-1] if reached else "debug"


def _values(record: logging.LogRecord) -> dict[str, object]:
    """Give what the chain takes: the values, and among them the event, the exception and the stack."""
    given = record.__dict__
    event, found = given.get(EVENT) or _content(record)
    values = {"event_" if name == "event" else name: value for name, value in found.items()}
    values["event"] = event
    if record.exc_info:
        values["exc_info"] = record.exc_info
    elif record.exc_text:  # from another process, whose exceptions stay there
        values["exception.stacktrace"] = record.exc_text
    if record.stack_info:
        values["stack"] = record.stack_info
    return values


def _content(record: logging.LogRecord) -> tuple[object, dict[str, object]]:
    values = {name: value for name, value in record.__dict__.items() if name not in _OWN}
    if isinstance(record.msg, dict) and not record.args:  # an event of structlog's, on its way through logging
        values |= {text(name): value for name, value in record.msg.items()}
        return values.pop("event", ""), values
    try:
        message = record.getMessage()
        return (formatted(message, record.msg) if record.args else message), values
    except Exception as exc:
        return text(record.msg), {**values, "args": record.args, "log_error": repr(exc)}
