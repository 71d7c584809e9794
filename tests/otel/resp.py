"""A loopback server that speaks as much of the Redis protocol (RESP 2) as a client needs to set and get."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Connection(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            command, *arguments = (self._bulk() for _ in range(int(line[1:])))
            self.wfile.write(self._answer(command.upper(), arguments))

    def _bulk(self):
        size = int(self.rfile.readline()[1:])
        return self.rfile.read(size + 2)[:-2]

    def _answer(self, command, arguments):
        if command == b"GET":
            value = self.server.values.get(arguments[0])
            return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)
        if command == b"SET":
            self.server.values[arguments[0]] = arguments[1]
        return b"-ERR unknown\r\n" if command.startswith(b"INCR") else b"+OK\r\n"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def redis_server() -> Iterator[int]:
    """Serve on a free port, which is given."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        server.values = {}
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()
