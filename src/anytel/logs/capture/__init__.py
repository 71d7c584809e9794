"""What others log, warn and raise comes out of our chain: all of it, in one call, and back."""

from __future__ import annotations

from anytel.logs.capture import root, uncaught, uvicorn

__all__ = ["serve", "start", "stop"]

_wanted = True


def start(capture: bool | None, level: str) -> None:
    """Take standard logging (see `root.attach`), warnings and uncaught exceptions; False: nothing of it."""
    global _wanted  # noqa: PLW0603 -- the setting of the process
    if capture is False:
        stop()
        _wanted = False
        return
    _wanted = True
    root.attach(capture, level)
    uncaught.install()


def serve() -> None:
    """Take the server's lines too; called when an application is instrumented, and again when it is started."""
    if _wanted:
        uvicorn.adopt()


def stop() -> None:
    """Leave logging, warnings and the hooks as they were found."""
    global _wanted  # noqa: PLW0603 -- as above
    _wanted = True
    root.detach()
    uncaught.uninstall()
    uvicorn.restore()
