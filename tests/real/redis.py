"""A Redis server that keeps nothing on disk."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from real.processes import free_ports, need, running

__all__ = ["redis_server"]


@contextmanager
def redis_server(folder: Path) -> Iterator[int]:
    """Run Redis; gives its port."""
    tool = need("redis-debian")
    (port,) = free_ports(1)
    libraries = sorted({str(found.parent) for found in tool.folder.rglob("*.so*")})
    paths = os.pathsep.join([*libraries, *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])
    flags = f"--port {port} --bind 127.0.0.1 --save".split()

    def ready() -> bool:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16) == b"+PONG\r\n"

    with running([tool.path, *flags, "", "--appendonly", "no"], folder, ready, LD_LIBRARY_PATH=paths):
        yield port
