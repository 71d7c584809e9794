"""Spotlight, Sentry's own development server: it takes every item of an envelope and shows it on a stream."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request

from real.processes import free_ports, need, running
from real.web import OPENER, get, send

__all__ = ["Received", "Spotlight", "spotlight"]

PRELOAD = Path(__file__).parent / "scripts" / "loopback.mjs"
CONTAINERS = ("span", "log", "trace_metric")


@dataclass(frozen=True, slots=True)
class Received:
    """What Spotlight holds, as it decoded it; the records of containers are taken out of them."""

    items: list[tuple[str, dict[str, Any]]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Give the payloads of one type of item, in the order in which they came."""
        return [payload for each, payload in self.items if each == kind]


@dataclass(frozen=True, slots=True)
class Spotlight:
    """A running Spotlight at *url*."""

    url: str

    @property
    def dsn(self) -> str:
        """The address to give to an SDK."""
        return f"{self.url.replace('://', '://public@')}/1"

    def clear(self) -> None:
        """Forget everything received so far."""
        send(Request(f"{self.url}/clear", method="DELETE"))

    def received(self) -> Received:
        """Give everything received before this call.

        The stream begins with what is there and has no end: an envelope of our own marks it.
        """
        mark = self._mark()
        items: list[tuple[str, dict[str, Any]]] = []
        for kind, payload in self._stream():
            if payload.get("event_id") == mark:
                return Received(items)
            items += [(kind, one) for one in payload["items"]] if kind in CONTAINERS else [(kind, payload)]
        raise AssertionError("the stream ended before the mark")

    def _mark(self) -> str:
        mark = uuid.uuid4().hex
        lines = {"event_id": mark}, {"type": "event"}, {"event_id": mark, "message": "mark"}
        body = "\n".join(map(json.dumps, lines)).encode()
        headers = {"Content-Type": "application/x-sentry-envelope", "X-Sentry-Auth": "Sentry sentry_key=public"}
        send(Request(f"{self.url}/api/1/envelope/", data=body, headers=headers))
        return mark

    def _stream(self) -> Iterator[tuple[str, dict[str, Any]]]:
        request = Request(f"{self.url}/stream", headers={"Accept": "text/event-stream", "Last-Event-ID": "0"})
        with OPENER.open(request, timeout=20) as stream:
            for line in stream:
                if line.startswith(b"data:"):
                    _, items = json.loads(line[5:])
                    yield from ((header["type"], payload) for header, payload in items)


@contextmanager
def spotlight(folder: Path) -> Iterator[Spotlight]:
    """Run Spotlight."""
    tool = need("spotlight-4.11.8")
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = (tool.path, "server", "--port", str(port))
    with running(command, folder, lambda: get(f"{url}/health"), NODE_OPTIONS=f"--import={PRELOAD.as_uri()}"):
        yield Spotlight(url)
