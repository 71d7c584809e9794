"""Connections that give up at one deadline, whatever they wait for.

A timeout alone would begin anew with every byte that arrives, so that a slow answer could keep the worker for ever.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

__all__ = ["Deadline", "tls_context"]


class Deadline:
    """When all waiting on the connections of one pool ends (`time.monotonic`)."""

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

    def rule(self, pool: PoolManager) -> None:
        """Have the connections that *pool* makes from now on obey."""
        http = type("_Http", (_Http,), {"deadline": self})
        https = type("_Https", (_Https,), {"deadline": self})
        pool.pool_classes_by_scheme = {
            "http": type("_HttpPool", (HTTPConnectionPool,), {"ConnectionCls": http}),
            "https": type("_HttpsPool", (HTTPSConnectionPool,), {"ConnectionCls": https}),
        }


class _Http(HTTPConnection):
    deadline: Deadline

    def _new_conn(self) -> socket.socket:
        return _obeying(super()._new_conn(), self.deadline)


class _Https(HTTPSConnection):
    deadline: Deadline

    def _new_conn(self) -> socket.socket:
        return _obeying(super()._new_conn(), self.deadline)

    def connect(self) -> None:
        super().connect()
        if isinstance(self.sock, _TlsSocket):  # not within TLS to a proxy, where the outer socket obeys
            self.sock.deadline = self.deadline


class _Socket(socket.socket):
    deadline: Deadline

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        self.settimeout(self.deadline.left())
        super().sendall(data, flags)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(self.deadline.left())
        return super().recv_into(buffer, nbytes, flags)


class _TlsSocket(ssl.SSLSocket):
    deadline: Deadline | None = None

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        self._limit()
        return super().send(data, flags)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0) -> int:
        self._limit()
        return super().recv_into(buffer, nbytes, flags)

    def _limit(self) -> None:
        if self.deadline is not None:
            self.settimeout(self.deadline.left())


def _obeying(plain: socket.socket, deadline: Deadline) -> socket.socket:
    obeying = _Socket(plain.family, plain.type, plain.proto, plain.detach())
    obeying.settimeout(deadline.left())
    obeying.deadline = deadline
    return obeying


def tls_context(certificate: str) -> ssl.SSLContext:
    """Make a context that trusts the PEM file *certificate*, or the system's where that is empty.

    Raises:
        OSError: the file cannot be read.
    """
    context = ssl.create_default_context(cafile=certificate or None)
    context.sslsocket_class = _TlsSocket
    return context
