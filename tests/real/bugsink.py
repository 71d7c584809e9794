"""Bugsink, a self-hosted server for Sentry's SDKs that groups events into issues; it ignores all but events."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from real.install import Tool
from real.processes import OFFLINE, free_ports, need, running
from real.web import get, get_json

__all__ = ["Bugsink", "bugsink"]

SETUP = Path(__file__).parent / "scripts" / "bugsink_project.py"


@dataclass(frozen=True, slots=True)
class Bugsink:
    """A running Bugsink at *url*, with one project."""

    url: str
    dsn: str
    project: int
    token: str

    def issues(self) -> list[dict[str, Any]]:
        """Give all issues."""
        return self._list("issues", project=str(self.project))

    def events(self, issue: dict[str, Any]) -> list[dict[str, Any]]:
        """Give the events of an *issue* as they were sent, the oldest first."""
        found = self._list("events", issue=str(issue["id"]), order="asc")
        return [self._get(f"events/{event['id']}/")["data"] for event in found]

    def _list(self, what: str, **parameters: str) -> list[dict[str, Any]]:
        page = self._get(f"{what}/", **parameters)
        assert page["next"] is None, "there is a second page"
        found: list[dict[str, Any]] = page["results"]
        return found

    def _get(self, path: str, **parameters: str) -> Any:
        return get_json(f"{self.url}/api/canonical/0/{path}", parameters, Authorization=f"Bearer {self.token}")


@contextmanager
def bugsink(folder: Path) -> Iterator[Bugsink]:
    """Run Bugsink with an empty database."""
    tool = need("bugsink-2.6.1")
    (port,) = free_ports(1)
    prepared = _prepare(tool, folder, port)
    url = f"http://127.0.0.1:{port}"
    command = tool.path, "runserver", "--noreload", f"127.0.0.1:{port}"
    with running(command, folder, lambda: get(f"{url}/health/ready")):
        yield Bugsink(url, prepared["dsn"], prepared["id"], prepared["token"])


def _prepare(tool: Tool, folder: Path, port: int) -> dict[str, Any]:
    """Write the configuration, without the daily report to its makers, and create the database."""
    create = tool.folder / "bin" / "bugsink-create-conf", "--template=local", "--host=127.0.0.1", f"--port={port}"
    _output(folder, *create)
    with (folder / "bugsink_conf.py").open("a") as settings:
        settings.write('\nBUGSINK["PHONEHOME"] = False\n')
    prepared: dict[str, Any] = json.loads(_output(folder, tool.folder / "bin" / "python", SETUP).splitlines()[-1])
    return prepared


def _output(folder: Path, *command: str | Path) -> str:
    env = {**os.environ, **OFFLINE}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=55, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
