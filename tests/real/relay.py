"""sentry-relay: the code with which Sentry's servers read an event, without a server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from real.processes import OFFLINE, need

__all__ = ["normalise", "remarks"]

SCRIPT = Path(__file__).parent / "scripts" / "normalise.py"


def normalise(payloads: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give each payload as Sentry would store it, under ``event``, or why it would not, under ``refused``."""
    tool = need("sentry-relay-0.10.1")
    lines = "".join(json.dumps(payload) + "\n" for payload in payloads)
    env = {**os.environ, **OFFLINE}
    done = subprocess.run(
        [tool.path, SCRIPT], input=lines, env=env, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def remarks(meta: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Give each error, remark and length that Relay noted in an event's ``_meta``, with where it belongs."""
    for name, value in (meta or {}).items():
        if name:
            yield from remarks(value, f"{path}.{name}".lstrip("."))
        else:
            yield path, value
