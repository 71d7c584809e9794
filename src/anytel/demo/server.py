"""A real HTTP server for the service, in a thread of this process."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI

__all__ = ["Server"]


class Server:
    """Serves *app* on a random loopback port between ``__enter__`` and ``__exit__``, which waits for open requests."""

    def __init__(self, app: FastAPI) -> None:
        config = uvicorn.Config(app, log_config=None, log_level="critical", access_log=False, loop="asyncio", ws="none")
        self._server = uvicorn.Server(config)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, name="anytel-demo", daemon=True)

    @property
    def url(self) -> str:
        """The server's address, without a path."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def __enter__(self) -> Self:
        # The socket listens already: a request waits in its queue until the server takes it.
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
