"""Connections that give up at one deadline, whatever they wait for.

A timeout alone would begin anew with every byte that arrives, so that a slow answer could keep the worker for ever.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer
    from urllib3.connection import HTTPConnection
    from urllib3.connectionpool import HTTPConnectionPool
    from urllib3.poolmanager import PoolManager
else:
    HTTPConnection = object  # a mixin of the classes that a pool uses: nothing is imported for it

__all__ = ["Deadline"]


class Deadline:
    """When all waiting ends on the connections that obey. Set *at* (`time.monotonic`) before each request."""

    def __init__(self) -> None:
        self.at = 0.0

    def left(self) -> float:
        """Give the seconds that are left.

        Raises:
            TimeoutError: none are.
        """
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def socket(self, connected: socket.socket) -> socket.socket:
        """Give a socket that obeys in place of one that is *connected*, without TLS."""
        obeying = _Socket(connected.family, connected.type, connected.proto, connected.detach())
        obeying.deadline = self
        try:
            obeying.settimeout(self.left())
        except TimeoutError:
            obeying.close()
            raise
        return obeying

    def rule(self, pool: PoolManager) -> None:
        """Have the connections that a urllib3 *pool* makes from now on obey, with TLS and through proxies too."""
        classes = pool.pool_classes_by_scheme.items()
        pool.pool_classes_by_scheme = {scheme: self._ruled(one) for scheme, one in classes}

    def _ruled(self, pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
        connection = type("_Connection", (_Obeying, pool.ConnectionCls), {"deadline": self})
        return type("_Pool", (pool,), {"ConnectionCls": connection})


class _Obeying(HTTPConnection):
    deadline: Deadline

    def _new_conn(self) -> socket.socket:
        return self.deadline.socket(super()._new_conn())

    def connect(self) -> None:
        super().connect()
        if type(self.sock) is ssl.SSLSocket:  # within TLS to a proxy it is none, and the outer socket obeys
            self.sock.__class__ = _TlsSocket
            self.sock.deadline = self.deadline  # type: ignore[attr-defined]  # it has just become one that has it


class _Socket(socket.socket):
    deadline: Deadline

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        self.settimeout(self.deadline.left())
        super().sendall(data, flags)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(self.deadline.left())
        return super().recv_into(buffer, nbytes, flags)


class _TlsSocket(ssl.SSLSocket):
    deadline: Deadline

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        self.settimeout(self.deadline.left())
        return super().send(data, flags)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(self.deadline.left())
        return super().recv_into(buffer, nbytes, flags)
