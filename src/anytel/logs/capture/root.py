"""The root logger with our handler: when it gets it, at which level, and how all of that is undone."""

from __future__ import annotations

import logging

from anytel.logs.capture.stdlib import Handler
from anytel.logs.capture.warned import Warned
from anytel.logs.logger import LEVELS

__all__ = ["attach", "attached", "detach"]


class _Attachment:
    """What was done to the root logger, and to warnings, so that it can be undone."""

    def __init__(self) -> None:
        self.root = logging.getLogger()
        self.handler = Handler()
        self.warned = Warned()
        self.level: tuple[int, int] | None = None  # the root's before, and since

    def put(self, level: int, *, alone: bool) -> None:
        self.root.addHandler(self.handler)
        self.warned.install()
        if alone:
            self.lower(level)

    def lower(self, level: int) -> None:
        """Let *level* through where nobody has chosen the root's level."""
        before = self.level[0] if self.level is not None and self.root.level == self.level[1] else self.root.level
        if before == logging.WARNING:
            self.root.setLevel(min(before, level))
            self.level = before, self.root.level

    def undo(self) -> None:
        self.warned.uninstall()
        self.root.removeHandler(self.handler)
        if self.level is not None and self.root.level == self.level[1]:
            self.root.setLevel(self.level[0])


_attachment: _Attachment | None = None


def attached() -> bool:
    """Say whether our handler is at the root logger."""
    return _attachment is not None and _attachment.handler in _attachment.root.handlers


def attach(capture: bool | None, level: str) -> None:
    """Put our handler on the root logger: where it has none (*capture* None), in any case (True), or not (False).

    A handler that does nothing (`logging.NullHandler`) is none. Where the root had no handler and its level is the
    default one, WARNING, it becomes *level* if that is lower. Else its level stays: what existing handlers show does
    not change. While attached, warnings are records of the logger ``py.warnings``.
    """
    global _attachment  # noqa: PLW0603 -- one process has one root logger
    if attached() and capture is not False:
        assert _attachment is not None  # noqa: S101 -- `attached` says so
        if _attachment.level is not None:
            _attachment.lower(LEVELS[level])
        return
    detach()
    alone = all(isinstance(one, logging.NullHandler) for one in logging.getLogger().handlers)
    if capture or (alone and capture is None):
        _attachment = _Attachment()
        _attachment.put(LEVELS[level], alone=alone)


def detach() -> None:
    """Undo `attach`; what others have changed since stays as they left it."""
    global _attachment  # noqa: PLW0603 -- as above
    if _attachment is not None:
        _attachment.undo()
        _attachment = None
