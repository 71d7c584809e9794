"""What every event goes through: context, ids, the user's processors, redaction; then the backends and the line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from time import time_ns
from typing import TYPE_CHECKING, cast

import structlog

from anytel import misuse
from anytel.attributes import text
from anytel.backend import Level
from anytel.logs.event import Formatted, LogEvent
from anytel.logs.render import Event, Render, write
from anytel.logs.tree import Plain, plain
from anytel.redaction import FILTERED, Redactor, encodable
from anytel.tracing import exceptions
from anytel.tracing.context import bound, current
from anytel.tracing.ids import span_hex, trace_hex
from anytel.tracing.record import Span

if TYPE_CHECKING:
    from anytel.pipeline.pipeline import Pipeline

__all__ = ["Chain", "Output", "Processor", "ids"]

EventDict = MutableMapping[str, object]
Processor = Callable[[object, str, EventDict], EventDict]

_LEVELS: Mapping[str, Level] = {"exception": "error", "warn": "warning", "fatal": "critical", "msg": "info"}
_SEVERE = frozenset({"error", "critical"})
_RESOURCE = {"service.name": "service", "deployment.environment.name": "environment", "service.version": "version"}
_RESERVED = frozenset({"timestamp", "level", "event", "logger"})
MAX_NAMES = 1_000
"""Names of values whose spelling a chain remembers."""
_STACK = structlog.processors.StackInfoRenderer(additional_ignores=["anytel"])


class Chain:
    """The one processor of our loggers.

    *pipeline* is None before `anytel.configure`: then lines are only written. *processors* are the user's; they see the
    event with its context and ids, before it is redacted. *put* takes the finished event where lines are written in the
    background.
    """

    def __init__(
        self,
        resource: Mapping[str, str],
        redactor: Redactor,
        render: Render,
        pipeline: Pipeline | None,
        processors: Sequence[Processor] = (),
        put: Callable[[Event], None] | None = None,
    ) -> None:
        self._resource: Event = {short: resource[name] for name, short in _RESOURCE.items() if name in resource}
        self._redactor = redactor
        self.render = render
        self._pipeline = pipeline
        self._processors = tuple(processors)
        self._put = put
        self._names: dict[str, tuple[str, bool]] = {}

    def __call__(self, logger: Output, method: str, values: EventDict) -> str:
        """Give the line, or an empty one where it is written later; called by structlog with the event's values.

        Raises:
            structlog.DropEvent: A processor of the user's has dropped the event.
        """
        line = self.event(logger.name, method, values)
        if self._put is None:
            return self.render(line)
        self._put(line)
        return ""

    def event(self, logger: str, method: str, values: EventDict) -> Event:
        """Give the finished event, after it went to the backends."""
        now = time_ns()
        level = _LEVELS.get(method, cast("Level", method))
        context = bound.get()
        if context:
            values = {**context, **values}
        if self._processors:
            values = self._process(logger, method, values)
        said = values.pop("event", "")
        name = self._redactor.text(said if type(said) is str else text(said))
        raised = record = left = None
        if method == "exception" or "exc_info" in values:
            raised = _raised(values.pop("exc_info", method == "exception"))
        stack = values.pop("stack_info", None)
        shown = self._shown(values)
        span = current.get()
        if raised is not None:
            record = self._redactor.exception(exceptions.snapshot(raised))
            left = exceptions.marked(raised).context if span is None else None
        if self._pipeline is not None and self._pipeline.wants_events:
            template = self._redactor.text(said.template) if isinstance(said, Formatted) else ""
            self._fan_out(LogEvent(now, level, logger, name, span, shown, record, left, template), raised)
        line: Event = {"timestamp": _iso(now), "level": level, "event": name, "logger": logger, **shown}
        if span is not None:
            line.update(span._ids or ids(span))
        elif left is not None:
            line.update(_written(left.trace_id, left.span_id))
        line.update(self._resource)
        if record is not None:
            line.update(record.attributes())
        if stack:
            line["stack"] = self._redactor.text(str(_STACK(None, method, {"stack_info": True})["stack"]))
        return line

    def _process(self, logger: str, method: str, values: EventDict) -> EventDict:
        """Run the user's processors; one that raises is skipped, its line is not lost."""
        span = current.get()
        if span is not None:
            values = {**values, **ids(span)}
        for processor in self._processors:
            try:
                values = processor(logger, method, values)
            except structlog.DropEvent:
                raise
            except Exception as exc:
                misuse.refuse("log_processor", f"log processor {processor!r} raised {exc!r}", None)
        return values

    def _shown(self, values: Mapping[str, object]) -> dict[str, Plain]:
        """Give the values plain and redacted. Most are of the types that need little, so these come first."""
        redactor, names = self._redactor, self._names
        shown: dict[str, Plain] = {}
        for name, value in values.items():
            key, secret = (names.get(name) if type(name) is str else None) or self._learn(name)
            kind = type(value)
            if secret:
                shown[key] = FILTERED
            elif kind is str:
                shown[key] = redactor.text(value)  # type: ignore[arg-type]  # the line above is the check
            elif kind is int or kind is float:
                shown[key] = redactor.value(value)  # type: ignore[arg-type]  # as above
            elif kind is bool or value is None:
                shown[key] = value  # type: ignore[assignment]  # as above
            else:
                shown[key] = plain(value, redactor)
        return shown

    def _learn(self, name: object) -> tuple[str, bool]:
        """Give the key that stands for *name* in a line, and whether its value is a secret."""
        key = self._redactor.key(name) if type(name) is str else text(name)
        if key in _RESERVED:
            key += "_"
        learnt = key, self._redactor.secret(key)
        if type(name) is str and len(self._names) < MAX_NAMES:
            self._names[name] = learnt
        return learnt

    def _fan_out(self, event: LogEvent, raised: BaseException | None) -> None:
        """Give the event to the backends; at error level and above it is a report too, once for each exception."""
        pipeline = self._pipeline
        assert pipeline is not None  # noqa: S101 -- the caller has checked
        if pipeline.wants_errors:
            if event.level in _SEVERE:
                event.values["error.id"] = pipeline.take_error_event(event, raised)
            elif event.span is not None:
                event.span._trace.remember(event)
        pipeline.take_log(event)


def ids(span: Span) -> Mapping[str, Plain]:
    """Give the ids as OpenTelemetry writes them, and as Datadog correlates: the trace in hex, the span in decimal."""
    known = span._ids
    if known is None:
        known = span._ids = _written(span._trace.id, span._id)
    return known


def _written(trace_id: int, span_id: int) -> dict[str, str]:
    trace = trace_hex(trace_id)
    return {"trace_id": trace, "span_id": span_hex(span_id), "dd.trace_id": trace, "dd.span_id": str(span_id)}


def _raised(exc_info: object) -> BaseException | None:
    """Give the exception that ``exc_info=`` means: itself, a tuple, or for true values the one being handled."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if len(exc_info) == 3 and isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


_second = (0, "")


def _iso(time_ns: int) -> str:
    """Write a time as ISO 8601 in UTC; the part that changes once a second is kept."""
    global _second  # noqa: PLW0603 -- a cache of one, exchanged as a whole
    seconds, rest = divmod(time_ns, 1_000_000_000)
    known, text = _second
    if known != seconds:
        text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        _second = seconds, text
    return f"{text}.{rest // 1000:06d}Z"


class Output:
    """What structlog calls with the finished line: every level writes it."""

    __slots__ = ("name",)

    def __init__(self, name: str = "") -> None:
        self.name = name if type(name) is str and name.isascii() else encodable(text(name))

    def msg(self, line: str) -> None:
        """Write *line*; an empty one is written elsewhere."""
        if line:
            write(line)

    debug = info = warning = error = critical = fatal = exception = log = warn = msg
