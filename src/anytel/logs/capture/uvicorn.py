"""uvicorn's messages and its access log as our lines.

uvicorn gives its loggers handlers of their own and keeps them from the root logger, when a `uvicorn.Config` is made.
"""

from __future__ import annotations

import logging
import sys
from urllib.parse import parse_qsl

from anytel.logs.capture.stdlib import EVENT, Handler

__all__ = ["ACCESS", "adopt", "restore"]

ACCESS = "http_access"
"""The event of a line of the access log."""

_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
_OURS = {"class": "anytel.logs.Handler"}
_replaced: list[tuple[logging.Logger, logging.Handler, logging.Handler]] = []
_defaults: dict[str, object] = {}


def adopt() -> None:
    """Replace the handlers that uvicorn's default configuration makes, those there are and those it would make.

    Handlers of an application's own ``log_config`` stay, and a switched-off access log stays off. Call it as often as
    convenient: when an application is instrumented, and again when its server starts.
    """
    logging.getLogger("uvicorn.access").addFilter(access)
    for name in _LOGGERS:
        _replace(logging.getLogger(name))
    config = sys.modules.get("uvicorn.config")
    if config is not None and not _defaults:
        handlers, formatters = config.LOGGING_CONFIG["handlers"], config.LOGGING_CONFIG["formatters"]
        own = {name for name, made in formatters.items() if str(made.get("()", "")).startswith("uvicorn.logging.")}
        _defaults.update({name: made for name, made in handlers.items() if made.get("formatter") in own})
        handlers.update(dict.fromkeys(_defaults, _OURS))


def restore() -> None:
    """Undo `adopt`."""
    logging.getLogger("uvicorn.access").removeFilter(access)
    for logger, theirs, ours in _replaced:
        if ours in logger.handlers:
            logger.handlers[logger.handlers.index(ours)] = theirs
    _replaced.clear()
    config = sys.modules.get("uvicorn.config")
    if config is not None and _defaults:
        config.LOGGING_CONFIG["handlers"].update(_defaults)
        _defaults.clear()


def _replace(logger: logging.Logger) -> None:
    for index, theirs in enumerate(logger.handlers):
        if type(theirs.formatter).__module__ == "uvicorn.logging":
            ours = Handler(theirs.level)
            logger.handlers[index] = ours
            _replaced.append((logger, theirs, ours))


def access(record: logging.LogRecord) -> bool:
    """Give a record of the access log values for its parts; the query is a value that redaction can look into."""
    if isinstance(record.args, tuple) and len(record.args) == 5:
        client, method, target, version, status = record.args
        path, _, query = str(target).partition("?")
        values = {"client": client, "method": method, "path": path, "http_version": version, "status": status}
        if query:
            values["query"] = dict(parse_qsl(query, keep_blank_values=True))
        vars(record)[EVENT] = (ACCESS, values)
    return True
