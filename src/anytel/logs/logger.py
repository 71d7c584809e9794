"""The logger that users hold. It follows `anytel.configure`, also when it was made before."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from typing import TYPE_CHECKING

from anytel import misuse
from anytel.logs.event import formatted

if TYPE_CHECKING:
    from anytel.logs.chain import Chain, Output

__all__ = ["LEVELS", "Logger", "chain", "emit", "get_logger", "use"]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


class _Epoch:
    """What all loggers share until the next `configure`."""

    def __init__(self, chain: Chain, level: str) -> None:
        import structlog  # noqa: PLC0415 -- 62 ms that a process without log lines does not pay

        from anytel.logs.chain import Output  # noqa: PLC0415 -- as above

        self.chain = chain
        self.level = LEVELS[level]
        self.output = Output
        self.dropped = structlog.DropEvent
        # Also the list of structlog's own configuration: `structlog.testing.capture_logs` exchanges its members.
        self.processors: list[Callable[..., object]] = [chain]

    def share(self) -> None:
        """Make ``structlog.get_logger()`` give our lines too, unless the application has configured structlog."""
        import structlog  # noqa: PLC0415 -- as above

        global _shared  # noqa: PLW0603 -- the processors that are configured there, if they are ours
        if not structlog.is_configured() or structlog.get_config()["processors"] is _shared:
            _shared = self.processors
            wrapper = structlog.make_filtering_bound_logger(self.level)
            structlog.configure(processors=self.processors, wrapper_class=wrapper, logger_factory=self.output)  # type: ignore[arg-type]  # ours takes what structlog gives


_epoch: _Epoch | None = None
_shared: list[Callable[..., object]] | None = None


class Logger:
    """A structured logger: ``log.info("event_name", key=value)``.

    Values bound with `bind` and with `anytel.context` are in every line, as are the ids of the current span. Positional
    arguments are formatted into the event with ``%``. A call never raises and never loses its line.
    """

    __slots__ = ("_context", "_name", "_output")

    def __init__(self, name: str, context: Mapping[str, object]) -> None:
        self._name = name
        self._context = context
        self._output: Output | None = None

    def bind(self, /, **values: object) -> Logger:
        """Give a logger whose lines have *values* too."""
        return Logger(self._name, {**self._context, **_aside(values)})

    def unbind(self, *names: str) -> Logger:
        """Give a logger without the bound values of these *names*."""
        return Logger(self._name, {name: value for name, value in self._context.items() if name not in names})

    # Below the level that is set, `use` replaces a method of the class by one that does nothing.

    def debug(self, event: str, /, *args: object, **values: object) -> None:
        """Log what helps while developing."""
        self._log("debug", event, args, values)

    def info(self, event: str, /, *args: object, **values: object) -> None:
        """Log what happens."""
        self._log("info", event, args, values)

    def warning(self, event: str, /, *args: object, **values: object) -> None:
        """Log what somebody should look at some time."""
        self._log("warning", event, args, values)

    def error(self, event: str, /, *args: object, **values: object) -> None:
        """Log a failure, and report it; with ``exc_info=`` the exception is reported, once."""
        self._log("error", event, args, values)

    def exception(self, event: str, /, *args: object, **values: object) -> None:
        """Log a failure with the exception that is being handled, which is reported, once."""
        values.setdefault("exc_info", True)
        self._log("error", event, args, values)

    def critical(self, event: str, /, *args: object, **values: object) -> None:
        """Log, and report, that the service cannot go on."""
        self._log("critical", event, args, values)

    async def adebug(self, event: str, /, *args: object, **values: object) -> None:
        """Log in a thread, so that the event loop does not wait for the output; likewise the following."""
        await self._off_loop(self.debug, event, args, values)

    async def ainfo(self, event: str, /, *args: object, **values: object) -> None:
        """See `info`."""
        await self._off_loop(self.info, event, args, values)

    async def awarning(self, event: str, /, *args: object, **values: object) -> None:
        """See `warning`."""
        await self._off_loop(self.warning, event, args, values)

    async def aerror(self, event: str, /, *args: object, **values: object) -> None:
        """See `error`."""
        await self._off_loop(self.error, event, args, values)

    async def aexception(self, event: str, /, *args: object, **values: object) -> None:
        """See `exception`."""
        await self._off_loop(self.error, event, args, {"exc_info": True, **values})

    async def acritical(self, event: str, /, *args: object, **values: object) -> None:
        """See `critical`."""
        await self._off_loop(self.critical, event, args, values)

    @staticmethod
    async def _off_loop(
        log: Callable[..., None], event: str, args: tuple[object, ...], values: dict[str, object]
    ) -> None:
        if values.get("exc_info") is True:  # in the thread there is no exception being handled
            values["exc_info"] = sys.exc_info()[1]
        import asyncio  # noqa: PLC0415 -- only asynchronous callers need it, and they have loaded it

        await asyncio.to_thread(partial(log, event, *args, **values))

    def _log(self, method: str, event: object, args: tuple[object, ...], values: dict[str, object]) -> None:
        epoch = _epoch
        if epoch is None:
            epoch = _begin()
            if LEVELS[method] < epoch.level:  # the first call of all, before any level was in force
                return
        output = self._output or self._open(epoch)
        try:
            if "event" in values:
                values = _aside(values)
            values["event"] = _formatted(event, args) if args else event
            line: object = {**self._context, **values} if self._context else values
            for process in epoch.processors:
                line = process(output, method, line)
            output.msg(line)  # type: ignore[arg-type]  # the last processor gives the line
        except epoch.dropped:
            return
        except Exception as exc:
            self._rescue(method, event, {**values, "args": args}, exc)

    def _open(self, epoch: _Epoch) -> Output:
        self._output = epoch.output(self._name)
        return self._output

    def _rescue(self, method: str, event: object, values: dict[str, object], exc: Exception) -> None:
        """Write the line all the same, unformatted, with what went wrong."""
        misuse.refuse("log", f"a log call could not be formatted: {exc!r}", None, once="log")
        emit(self._name, method, str(event), {**self._context, **values, "log_error": repr(exc)})

    def __repr__(self) -> str:
        return f"<anytel logger {self._name!r}>"


def _aside(values: dict[str, object]) -> dict[str, object]:
    """Give *values* without the name of the event, whose value gets another name."""
    if "event" in values:
        values["event_"] = values.pop("event")
    return values


def _formatted(event: object, args: tuple[object, ...]) -> str:
    """Format as `logging` does: a single mapping is for named conversions."""
    only = args[0] if len(args) == 1 and isinstance(args[0], Mapping) and args[0] else None
    return formatted(str(event) % (args if only is None else only), event)


_METHODS = {name: getattr(Logger, name) for name in (*LEVELS, "exception")}


def _silent(self: Logger, event: str, /, *args: object, **values: object) -> None:
    """Do nothing: the level is not logged."""


def use(chain: Chain, level: str, *, share: bool = False) -> None:
    """Have all loggers, those that exist too, use *chain* from *level* on; with *share* structlog's own likewise."""
    global _epoch  # noqa: PLW0603 -- one process has one
    _epoch = _Epoch(chain, level)
    for name, method in _METHODS.items():
        setattr(Logger, name, method if LEVELS.get(name, LEVELS["error"]) >= _epoch.level else _silent)
    if share:
        _epoch.share()


def forget() -> None:
    """Log as before the first `anytel.configure`; for tests."""
    global _epoch, _shared  # noqa: PLW0603 -- as above
    _epoch = None
    for name, method in _METHODS.items():
        setattr(Logger, name, method)
    if _shared:
        import structlog  # noqa: PLC0415 -- as above

        structlog.reset_defaults()
        _shared = None


def _begin() -> _Epoch:
    """Log from the first call on, also before `anytel.configure`."""
    from anytel.logs import unconfigured  # noqa: PLC0415 -- loads structlog

    use(unconfigured.chain(), "info")
    assert _epoch is not None  # noqa: S101 -- the line above has set it
    return _epoch


def chain() -> Chain:
    """Give the chain of the moment."""
    return (_epoch or _begin()).chain


def emit(name: str, level: str, event: str, values: MutableMapping[str, object]) -> None:
    """Log an event that came from elsewhere, through the chain of the moment; never raises."""
    epoch = _epoch or _begin()
    if LEVELS.get(level, LEVELS["info"]) < epoch.level:
        return
    output = epoch.output(name)
    try:
        output.msg(epoch.chain(output, level, {**values, "event": event}))
    except epoch.dropped:
        return
    except Exception as exc:
        misuse.refuse("log", f"a log line was lost: {exc!r}", None, once="log_lost")


def get_logger(name: str = "", **values: object) -> Logger:
    """Give a logger with that *name*, whose lines have *values*."""
    return Logger(name, _aside(values))
