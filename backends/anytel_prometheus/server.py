"""A small HTTP server for processes that have none: it serves the metrics on a port of its own."""

from __future__ import annotations

import logging
import os
import socket
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from anytel_prometheus.endpoint import wsgi_app

__all__ = ["MetricsServer", "start_http_server"]

logger = logging.getLogger("anytel")


class MetricsServer:
    """A running server on *host* and *port*; a port of 0 takes any free one.

    It answers with whichever Prometheus backend is open, on every path, until `close`. A forked child does not have it.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = _listen(host, port)
        self.host, self.port = self._server.server_name, self._server.server_port
        # The poll interval only bounds how long `close` takes.
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="anytel-prometheus", daemon=True
        )
        self._thread.start()
        _running.add(self)

    @property
    def url(self) -> str:
        """The address to scrape."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/metrics"

    def close(self) -> None:
        """Stop listening. A second call does nothing."""
        if self in _running:
            _running.discard(self)
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def _forget(self) -> None:
        """Give up the inherited socket in a forked child, which would keep the port busy with nobody to answer."""
        self._server.socket.close()


def start_http_server(port: int = 0, host: str = "127.0.0.1") -> MetricsServer:
    """Serve the metrics on a port of their own, only to this machine unless *host* says otherwise.

    Raises:
        OSError: The port cannot be listened on.
    """
    return MetricsServer(host, port)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def server_bind(self) -> None:
        """Bind without asking DNS for the machine's name, as `HTTPServer` does."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet about scrapers that hang up."""
        logger.debug("prometheus: a scrape from %s failed", client_address, exc_info=True)  # noqa: LOG014 -- called in one


class _Handler(WSGIRequestHandler):
    timeout = 30

    def address_string(self) -> str:
        """Name the client by its address."""
        return str(self.client_address[0])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the signature of http.server
        """Print nothing."""


def _listen(host: str, port: int) -> _Server:
    # "localhost" may mean ::1 as well, where an IPv4 scraper would not find us.
    address = "127.0.0.1" if host == "localhost" else host
    family, _, _, _, resolved = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]

    class Server(_Server):
        address_family = family

    server = Server((str(resolved[0]), port), _Handler)
    server.set_app(wsgi_app)
    return server


_running: set[MetricsServer] = set()


def _forget_all() -> None:
    for server in list(_running):
        server._forget()
    _running.clear()


os.register_at_fork(after_in_child=_forget_all)
