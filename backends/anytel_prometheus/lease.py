"""A lease: backends that follow one another share the server of one address.

`anytel.configure` opens the new backend before it closes the old one, which still holds the port.
"""

from __future__ import annotations

import os
import threading

from anytel_prometheus.server import MetricsServer

__all__ = ["Lease"]

_lock = threading.Lock()
_leases: dict[tuple[str, int], tuple[MetricsServer, set[Lease]]] = {}


class Lease:
    """The use of a server on one address, which runs while anybody uses it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        with _lock:
            if self._address not in _leases:
                _leases[self._address] = MetricsServer(host, port), set()
            self.server, users = _leases[self._address]
            users.add(self)

    def end(self) -> None:
        """Close the server if nobody else uses it."""
        with _lock:
            server, users = _leases.get(self._address, (self.server, set()))
            users.discard(self)
            if not users:
                _leases.pop(self._address, None)
                server.close()


def _forget() -> None:
    """Start anew in a forked child: it has no servers, and nobody who would unlock."""
    global _lock  # noqa: PLW0603 -- a lock cannot be replaced in place
    _lock = threading.Lock()
    _leases.clear()


os.register_at_fork(after_in_child=_forget)
