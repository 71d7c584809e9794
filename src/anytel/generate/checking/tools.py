"""The vendors' own tools, where they are on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence

from anytel.generate.checking.artefacts import Artefact, Artefacts, Kind
from anytel.generate.checking.finding import Finding

__all__ = ["tool_checks"]

_TIMEOUT = 300
"""Seconds that one tool may take."""
_CHECKS: Sequence[tuple[str, Sequence[str], Kind]] = (
    ("promtool", ("check", "config"), "prometheus"),
    ("promtool", ("check", "rules"), "rules"),
    ("promtool", ("test", "rules"), "rule tests"),
    ("amtool", ("check-config",), "alertmanager"),
)


def tool_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Have each file checked by the tool for its kind. A tool is looked for in ``PATH``, or is in ``PROMTOOL``."""
    for tool, arguments, kind in _CHECKS:
        files = artefacts.of(kind)
        if not files:
            continue
        name = f"{tool} {' '.join(arguments)}"
        program = os.environ.get(tool.upper()) or shutil.which(tool)
        if program is None:
            yield Finding(name, "skipped", detail=f"{tool} is not installed; {len(files)} files were not checked by it")
            continue
        for file in files:
            yield _run(name, [program, *arguments], artefacts, file)


def _run(name: str, command: Sequence[str], artefacts: Artefacts, file: Artefact) -> Finding:
    try:
        done = subprocess.run(  # noqa: S603 -- a program that the user has installed, on the user's files
            [*command, str(artefacts.folder / file.path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return Finding(name, "failed", file.path, f"it could not be run: {exc}")
    output = done.stdout.decode(errors="replace").strip()
    return Finding(name, "passed", file.path) if done.returncode == 0 else Finding(name, "failed", file.path, output)
