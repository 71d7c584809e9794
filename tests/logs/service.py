"""A service in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def serving(folder: Path, source: str, *arguments: str, **env: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Run *source* as ``app.py``; gives the address, and the lines that it has written."""
    (folder / "app.py").write_text(source)
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # where uvicorn itself would write
        text=True,
    )
    lines: list[dict[str, Any]] = []
    try:
        while "Uvicorn running" not in (lines[-1]["event"] if lines else ""):
            lines.append(json.loads(process.stdout.readline()))
        yield lines[-1]["event"].split()[3], lines
        process.send_signal(signal.SIGINT)
        lines += map(json.loads, process.stdout)
        process.wait(30)
    finally:
        process.kill()
        process.communicate()


def get(url: str) -> int:
    """Give the status of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
