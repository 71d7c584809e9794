"""Prometheus and Alertmanager, running what was generated, and an application that they watch."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer, ThreadingTCPServer
from typing import Any
from urllib.request import Request

import yaml

from real.install import Tool
from real.processes import free_ports, need, running
from real.prometheus import Prometheus
from real.web import OPENER, get, get_json

__all__ = [
    "Alertmanager",
    "Hook",
    "Service",
    "alertmanager",
    "edited",
    "hook",
    "prometheus",
    "service",
    "tool",
    "write",
]

VERSIONS: Mapping[str, tuple[str, str]] = {
    "debian": ("prometheus-debian", "alertmanager-debian"),
    "go": ("prometheus-3.16.0", "alertmanager-0.34.2"),
}
"""The tools by where they come from: the oldest that are supported, and current ones."""


def tool(name: str, program: str) -> Path:
    """Give a program that comes with a tool."""
    return need(name).path.with_name(program)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write generated files."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@contextmanager
def edited(path: Path) -> Iterator[dict[str, Any]]:
    """Give the content of a YAML file, to be changed where the machine or the time differ from what is usual."""
    data = yaml.safe_load(path.read_text())
    yield data
    path.write_text(yaml.safe_dump(data, sort_keys=False))


@contextmanager
def prometheus(version: str, config: Path, data: Path, *flags: str) -> Iterator[Prometheus]:
    """Run a Prometheus with a configuration that was generated; only its scraping of itself is left out."""
    with edited(config) as found:
        found["scrape_configs"] = [job for job in found["scrape_configs"] if job["job_name"] != "prometheus"]
    data.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = (
        need(VERSIONS[version][0]).path,
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags,
    )
    with running(command, data, lambda: get(f"{url}/-/ready")):
        yield Prometheus(url)


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running Alertmanager at *url*."""

    url: str
    amtool: Path
    log: Path

    @property
    def address(self) -> str:
        """Its host and port."""
        return self.url.removeprefix("http://")

    def alerts(self) -> list[dict[str, Any]]:
        """Give the alerts that it has, with their ``labels`` and their ``status``."""
        found: list[dict[str, Any]] = get_json(f"{self.url}/api/v2/alerts")
        return found

    def alert(self, **labels: str) -> dict[str, Any] | None:
        """Give the one alert with these labels, if it is there."""
        found = [one for one in self.alerts() if labels.items() <= one["labels"].items()]
        assert len(found) < 2, found
        return found[0] if found else None

    def silence(self, *matchers: str) -> str:
        """Silence alerts for an hour, by amtool as a person would; give the silence's id."""
        said = "--author=tests", "--comment=maintenance", "--duration=1h"
        command = self.amtool, "silence", "add", f"--alertmanager.url={self.url}", *said, *matchers
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()


@contextmanager
def alertmanager(version: str, config: Path, data: Path) -> Iterator[Alertmanager]:
    """Run an Alertmanager with a configuration that was generated."""
    found: Tool = need(VERSIONS[version][1])
    data.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = (
        found.path,
        f"--config.file={config}",
        f"--storage.path={data}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=debug",
    )
    with running(command, data, lambda: get(f"{url}/-/ready")) as program:
        yield Alertmanager(url, found.path.with_name("amtool"), program.log)


@contextmanager
def _serving(server: TCPServer) -> Iterator[int]:
    """Have *server* serve on a thread of its own; give its port."""
    with server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class Hook:
    """Remembers what is posted to it, by path."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._got: list[tuple[str, dict[str, Any]]] = []
        self.tokens: dict[str, str] = {}

    def take(self, path: str, body: bytes, token: str) -> None:
        """Remember one message."""
        self._got.append((path, json.loads(body)))
        self.tokens[path] = token

    def got(self, path: str) -> list[dict[str, Any]]:
        """Give the messages that came to a path."""
        return [message for at, message in self._got if at == path]

    def alerts(self, path: str) -> list[dict[str, Any]]:
        """Give the alerts in Alertmanager's messages to a path."""
        return [alert for message in self.got(path) for alert in message["alerts"]]


@contextmanager
def hook() -> Iterator[Hook]:
    """Listen for messages."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.take(self.path, body, self.headers.get("Authorization", ""))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args: object) -> None:
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        found = Hook(f"http://127.0.0.1:{port}")
        yield found


class Mailbox:
    """The mails that were delivered to *address*, a ``host:port``, as parsed messages."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.mails: list[EmailMessage] = []


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Take mails, as a server that knows what RFC 5321 asks of every one."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            self._say(b"220 here")
            while line := self.rfile.readline().strip().upper():
                if line == b"DATA":
                    self._say(b"354 go on")
                    text = b"".join(iter(self.rfile.readline, b".\r\n"))
                    found.mails.append(message_from_bytes(text, policy=default))
                self._say(b"221 bye" if line == b"QUIT" else b"250 yes")
                if line == b"QUIT":
                    return

        def _say(self, reply: bytes) -> None:
            self.wfile.write(reply + b"\r\n")

    with _serving(ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        found = Mailbox(f"127.0.0.1:{port}")
        yield found


@dataclass(frozen=True, slots=True)
class Service:
    """The demo service, at *url*; *metrics* is the ``host:port`` where it serves its metrics."""

    url: str
    metrics: str

    def run_skill(self, name: str) -> int:
        """Have it run a skill; give the status."""
        request = Request(f"{self.url}/skills/{name}/run", method="POST")
        with OPENER.open(request, timeout=10) as answer:
            return int(answer.status)


@contextmanager
def service(folder: Path, load: Sequence[str]) -> Iterator[Service]:
    """Run the demo service, and have it run the skills in *load* again and again."""
    port, metrics = free_ports(2)
    found = Service(f"http://127.0.0.1:{port}", f"127.0.0.1:{metrics}")
    settings = {
        "TELEMETRY_BACKENDS": "prometheus",
        "TELEMETRY_LOG_FORMAT": "json",
        "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(metrics),
    }
    folder.mkdir(parents=True, exist_ok=True)
    command = sys.executable, "-m", "uvicorn", "anytel.demo.app:app", "--port", str(port)
    with running(command, folder, lambda: get(f"http://{found.metrics}/metrics"), **settings), _busy(found, load):
        yield found


@contextmanager
def _busy(found: Service, load: Sequence[str]) -> Iterator[None]:
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.02):
            for name in load:
                try:
                    found.run_skill(name)
                except OSError:  # the skill fails, as it is meant to
                    continue

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
