"""A loopback HTTP server that keeps what it is sent and answers as it is told."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Self

__all__ = ["Answer", "HttpReceiver", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, its body decompressed if it can be; header names are lower-case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answers; *delay* seconds later, unless the receiver is closed before."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


class HttpReceiver:
    """A server on a random loopback port, running between ``__enter__`` and ``__exit__``.

    Subclasses override `received`, which decodes a request and may give the answer. Set `answer` to misbehave.
    """

    answer: Answer = Answer()
    """What requests are answered with where `received` gives nothing."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="anytel-receiver", daemon=True
        )

    @property
    def url(self) -> str:
        """The server's address, without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def received(self, request: Request) -> Answer | None:
        """Decode one request; called under the lock that `wait` uses."""
        return None

    def wait(self, condition: Callable[[Self], object], timeout: float = 10.0) -> bool:
        """Wait until *condition* of this receiver is true, looking after each request; whether it became true."""
        with self._changed:
            return bool(self._changed.wait_for(lambda: condition(self), timeout))

    def clear(self) -> None:
        """Forget everything received so far."""
        with self._changed:
            self.requests.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, request: Request) -> Answer:
        with self._changed:
            self.requests.append(request)
            answer = self.received(request) or self.answer
            self._changed.notify_all()
        if answer.delay:
            self._closing.wait(answer.delay)
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    receiver: HttpReceiver

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up: tests make them do so."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _decode: ClassVar[Mapping[str, Callable[[bytes], bytes]]] = {"gzip": gzip.decompress, "deflate": zlib.decompress}

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            raw = b"".join(chunks)
        else:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        decode = self._decode.get(self.headers.get("content-encoding", ""), bytes)
        try:
            return decode(raw)
        except (OSError, EOFError, zlib.error):
            return raw  # for the subclass to find that it cannot be read: hanging up would hide it

    def _handle(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.receiver._take(Request(self.command, self.path, headers, self._body()))
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = _handle  # noqa: N815 -- the names http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the signature of http.server
        """Print nothing."""
