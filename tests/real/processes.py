"""Programs that nobody here wrote, each in a process group of its own, on free loopback ports, ended by its id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

import pytest

from real.install import TOOLS, Tool
from real.web import Late, await_value

__all__ = ["OFFLINE", "Program", "free_ports", "listening", "need", "require", "running", "udp_port"]

REQUIRED = "CI", "ANYTEL_REQUIRE_TOOLS"
OFFLINE: Mapping[str, str] = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost"),
}
"""What keeps on this machine the reports that a program makes about itself: a proxy that is not there."""


def need(name: str) -> Tool:
    """Give a tool that is installed; without it skip, and fail where ``CI`` or ``ANYTEL_REQUIRE_TOOLS`` is set."""
    return require(TOOLS[name], f"python tests/real/install.py {name}")


def require(tool: Tool, remedy: str) -> Tool:
    """Give *tool* if it is installed; else skip or fail as `need` does, naming the *remedy*."""
    if not tool.present:
        missing = f"{tool.folder.name} is not in {tool.folder.parent}: {remedy}"
        if any(os.environ.get(variable, "").lower() in ("1", "true") for variable in REQUIRED):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return tool


def free_ports(number: int) -> list[int]:
    """Give TCP ports that are free now: these programs take no port 0, or do not say which one they got."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports


def listening(port: int) -> bool:
    """Give true if a program listens at a TCP port of this machine.

    Raises:
        OSError: None does.
    """
    socket.create_connection(("127.0.0.1", port)).close()
    return True


def udp_port() -> int:
    """Give a UDP port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


class Program:
    """A process started for the tests; *log* holds all that it has printed."""

    alive: ClassVar[list[Program]] = []

    def __init__(self, command: Sequence[str | Path], folder: Path, env: Mapping[str, str]) -> None:
        self.name = Path(command[0]).name
        self.log = folder / f"{self.name}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **OFFLINE, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.seen = 0
        self.alive.append(self)

    def mark(self) -> None:
        """Have the log begin here."""
        self.seen = self.log.stat().st_size

    def tail(self) -> str:
        """Give the end of the log since the mark."""
        return self.log.read_bytes()[self.seen :].decode(errors="replace")[-8000:]

    def await_health(self, check: Callable[[], object], timeout: float = 40.0) -> None:
        """Wait until *check* gives something true instead of raising `OSError`.

        Raises:
            Late: That was not in time, or the process has ended; the message holds the log's end.
        """
        try:
            await_value(lambda: self.process.poll() is not None or check(), timeout=timeout)
        except Late as late:
            raise Late(f"{self.name}: {late}\n{self.tail()}") from None
        if self.process.poll() is not None:
            raise Late(f"{self.name} ended with {self.process.returncode}\n{self.tail()}")

    def stop(self) -> None:
        """End the process and all that it has started."""
        self.alive.remove(self)
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        self.process.wait()


@contextmanager
def running(command: Sequence[str | Path], folder: Path, health: Callable[[], object], **env: str) -> Iterator[Program]:
    """Run *command* in *folder* from when it is healthy until the end of the block."""
    program = Program(command, folder, env)
    try:
        program.await_health(health)
        yield program
    finally:
        program.stop()
