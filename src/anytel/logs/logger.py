"""The logger that users hold. It follows `anytel.configure`, also when it was made before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import structlog

    from anytel.logs.chain import Chain

__all__ = ["Logger", "get_logger", "use"]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


class _Epoch:
    """What all loggers share until the next `configure`: the chain, and the class with the filtered methods."""

    def __init__(self, chain: Chain, level: str) -> None:
        import structlog  # noqa: PLC0415 -- 62 ms that a process without log lines does not pay

        self._wrapper = structlog.make_filtering_bound_logger(_LEVELS[level])
        self._chain = chain

    def bind(self, name: str, context: Mapping[str, object]) -> structlog.typing.FilteringBoundLogger:
        """Make the structlog logger of that name and context."""
        from anytel.logs.chain import Output  # noqa: PLC0415 -- loads structlog

        return self._wrapper(Output(name), [self._chain], dict(context))  # type: ignore[call-arg]  # typed as a protocol


_epoch: _Epoch | None = None


def use(chain: Chain, level: str) -> None:
    """Have all loggers, those that exist too, use *chain* from *level* on."""
    global _epoch  # noqa: PLW0603 -- one process has one
    _epoch = _Epoch(chain, level)


def _current() -> _Epoch:
    if _epoch is None:
        from anytel.logs import unconfigured  # noqa: PLC0415 -- loads structlog

        use(unconfigured.chain(), "info")
    assert _epoch is not None  # noqa: S101 -- the lines above have set it
    return _epoch


class Logger:
    """A structured logger: ``log.info("event_name", key=value)``.

    Values bound with `bind` and with `anytel.context` are in every line, as are the ids of the current span. A call
    never raises and never loses its line.
    """

    __slots__ = ("_bound", "_context", "_epoch", "_name")

    def __init__(self, name: str, context: Mapping[str, object]) -> None:
        self._name = name
        self._context = context
        self._epoch: _Epoch | None = None
        self._bound: structlog.typing.FilteringBoundLogger

    def _logger(self) -> structlog.typing.FilteringBoundLogger:
        if self._epoch is not _epoch or _epoch is None:
            epoch = _current()
            self._bound, self._epoch = epoch.bind(self._name, self._context), epoch
        return self._bound

    def bind(self, **values: object) -> Logger:
        """Give a logger whose lines have *values* too."""
        return Logger(self._name, {**self._context, **values})

    def unbind(self, *names: str) -> Logger:
        """Give a logger without the bound values of these *names*."""
        return Logger(self._name, {name: value for name, value in self._context.items() if name not in names})

    def debug(self, event: str, *args: object, **values: object) -> None:
        """Log what helps while developing."""
        try:
            self._logger().debug(event, *args, **values)
        except Exception as exc:
            self._rescue("debug", event, args, values, exc)

    def info(self, event: str, *args: object, **values: object) -> None:
        """Log what happens."""
        try:
            self._logger().info(event, *args, **values)
        except Exception as exc:
            self._rescue("info", event, args, values, exc)

    def warning(self, event: str, *args: object, **values: object) -> None:
        """Log what somebody should look at some time."""
        try:
            self._logger().warning(event, *args, **values)
        except Exception as exc:
            self._rescue("warning", event, args, values, exc)

    def error(self, event: str, *args: object, **values: object) -> None:
        """Log a failure; with ``exc_info=`` the exception is reported too, once."""
        try:
            self._logger().error(event, *args, **values)
        except Exception as exc:
            self._rescue("error", event, args, values, exc)

    def exception(self, event: str, *args: object, **values: object) -> None:
        """Log a failure with the exception that is being handled, which is reported too, once."""
        try:
            self._logger().error(event, *args, **{"exc_info": True, **values})
        except Exception as exc:
            self._rescue("error", event, args, values, exc)

    def critical(self, event: str, *args: object, **values: object) -> None:
        """Log that the service cannot go on."""
        try:
            self._logger().critical(event, *args, **values)
        except Exception as exc:
            self._rescue("critical", event, args, values, exc)

    def _rescue(self, level: str, event: object, args: object, values: Mapping[str, object], exc: Exception) -> None:
        """Write the line all the same, unformatted, with what went wrong."""
        from anytel.misuse import refuse  # noqa: PLC0415 -- only here

        refuse("log", f"a log call could not be formatted: {exc!r}", None, once="log")
        safe = {"event": event, "args": args, "log_error": repr(exc), **values}
        try:
            getattr(self._logger(), level)(
                str(event), **{k: v for k, v in safe.items() if k not in ("event", "exc_info")}
            )
        except Exception as again:
            refuse("log", f"a log line was lost: {again!r}", None, once="log_lost")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Give structlog's further methods: ``log``, and the asynchronous ``ainfo`` and so on."""
        if name.startswith("_"):
            raise AttributeError(name)
        found: Callable[..., Any] = getattr(self._logger(), name)
        return found

    def __repr__(self) -> str:
        return f"<anytel logger {self._name!r}>"


def get_logger(name: str = "", **values: object) -> Logger:
    """Give a logger with that *name*, whose lines have *values*."""
    return Logger(name, values)
