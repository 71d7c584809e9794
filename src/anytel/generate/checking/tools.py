"""The vendors' own tools, where they are on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
    ("check-jsonschema", ("--builtin-schema", "vendor.compose-spec"), "compose"),
)


def tool_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Have each file checked by the tool for its kind. A tool is looked for in ``PATH``, or is in ``PROMTOOL``."""
    for tool, arguments, kind in _CHECKS:
        files = artefacts.of(kind)
        if not files:
            continue
        name = f"{tool} {' '.join(arguments)}"
        program = _program(tool)
        if program is None:
            yield Finding(name, "skipped", detail=f"{tool} is not installed; {len(files)} files were not checked by it")
            continue
        for file in files:
            yield _run(name, [program, *arguments, str(artefacts.folder / file.path)], file)
    yield from _routes(artefacts)
    yield from _terraform(artefacts)


def _routes(artefacts: Artefacts) -> Iterator[Finding]:
    """Have amtool say whom each alert reaches, by the configuration in the folder above the tests."""
    for file in artefacts.of("route tests"):
        name, program = "amtool config routes test", _program("amtool")
        if program is None:
            yield Finding(name, "skipped", file.path, "amtool is not installed")
            continue
        config = (artefacts.folder / file.path).parent.parent / "alertmanager.yml"
        command = [program, "config", "routes", "test", f"--config.file={config}"]
        found = [_run(name, [*command, *_expected(one)], file) for one in file.data]
        failed = [one for one in found if one.outcome == "failed"]
        yield from failed or [Finding(name, "passed", file.path)]


def _terraform(artefacts: Artefacts) -> Iterator[Finding]:
    """Have Terraform read configurations, without providers: names of resources, and what refers to them."""
    name, program = "terraform providers", _program("terraform")
    for file in artefacts.of("terraform"):
        if program is None:
            yield Finding(name, "skipped", file.path, "terraform is not installed")
            continue
        folder = (artefacts.folder / file.path).parent
        yield _run(name, [program, f"-chdir={folder}", "providers", "-no-color"], file, CHECKPOINT_DISABLE="1")


def _expected(test: Mapping[str, Any]) -> Iterator[str]:
    yield f"--verify.receivers={','.join(test['receivers'])}"
    yield from (f"{name}={value}" for name, value in test["labels"].items())


def _program(tool: str) -> str | None:
    return os.environ.get(tool.upper().replace("-", "_")) or shutil.which(tool)


def _run(name: str, command: Sequence[str], file: Artefact, **env: str) -> Finding:
    try:
        done = subprocess.run(  # noqa: S603 -- a program that the user has installed, on the user's files
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **env},
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return Finding(name, "failed", file.path, f"it could not be run: {exc}")
    output = done.stdout.decode(errors="replace").strip()
    return Finding(name, "passed", file.path) if done.returncode == 0 else Finding(name, "failed", file.path, output)
