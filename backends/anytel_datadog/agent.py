"""Sends to the Agent's trace API over one kept-alive connection."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from typing import NamedTuple

from anytel.backend.deadline import Deadline
from anytel.backend.http import retry_after
from anytel_datadog.settings import AgentAddress

__all__ = ["Agent", "Answer"]

_MAX_ANSWER = 1 << 20
_WAIT_AND_SEE = (408, 425, 429)


class Answer(NamedTuple):
    """What came of a request; *status* is 0 where there was no answer. *retry_after* is in seconds."""

    status: int
    retry_after: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the Agent took it."""
        return 200 <= self.status < 300

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in (0, *_WAIT_AND_SEE) or self.status >= 500


class Agent:
    """The trace API at *address*; every request carries *headers*. Not for several threads at once."""

    def __init__(self, address: AgentAddress, headers: Mapping[str, str]) -> None:
        self._prefix, self._headers = address.prefix, headers
        self._deadline = Deadline()
        self._connection = _Connection(address, self._deadline)

    def post(self, path: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Answer:
        """Send *body*, giving up at *deadline* (`time.monotonic`). Never raises for what the network does."""
        self._deadline.at = deadline
        reused = self._connection.sock is not None
        try:
            try:
                return self._exchange(path, body, headers)
            except ConnectionError:
                if not reused:
                    raise
                # The Agent closes idle connections, which shows only now.
                self.close()
                return self._exchange(path, body, headers)
        except (OSError, http.client.HTTPException):
            self.close()
            return Answer(0)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exchange(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self._connection.request("POST", self._prefix + path, body, {**self._headers, **headers})
        response = self._connection.getresponse()
        response.read(_MAX_ANSWER)
        if not response.isclosed():  # more of it would be taken for the next answer
            self.close()
        return Answer(response.status, retry_after(response.headers.get("Retry-After", "")))


class _Connection(http.client.HTTPConnection):
    def __init__(self, address: AgentAddress, deadline: Deadline) -> None:
        super().__init__(address.host, address.port)
        self._address, self._deadline = address, deadline

    def connect(self) -> None:
        """Connect by TCP or to a unix socket."""
        self.sock = self._deadline.socket(self._unix() if self._address.socket else self._tcp())

    def _tcp(self) -> socket.socket:
        plain = socket.create_connection((self._address.host, self._address.port), self._deadline.left())
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain

    def _unix(self) -> socket.socket:
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            plain.settimeout(self._deadline.left())
            plain.connect(self._address.socket)
        except OSError:
            plain.close()
            raise
        return plain
