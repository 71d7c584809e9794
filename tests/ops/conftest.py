"""The vendors' own tools, in Debian's version and in a current one, and `anytel` as a person calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from real.install import Tool
from real.plugin import pytest_configure, pytest_runtest_makereport  # noqa: F401 -- found by pytest here
from real.processes import need

VERSIONS = ["debian", pytest.param("3.16.0", marks=pytest.mark.go)]
SETTINGS = ("TELEMETRY_", "SENTRY_", "DD_", "OTEL_")

Anytel = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=VERSIONS)
def version(request) -> str:
    """Give each version of Prometheus in turn."""
    return request.param


@pytest.fixture
def prometheus_tool(version) -> Tool:
    """Give Prometheus, with promtool beside it."""
    return need(f"prometheus-{version}")


@pytest.fixture
def promtool(prometheus_tool) -> Path:
    """Give promtool."""
    return prometheus_tool.path.with_name("promtool")


@pytest.fixture
def anytel_command(tmp_path, promtool) -> Anytel:
    """Give a function that runs ``anytel`` in an empty folder, which also finds modules that are put there."""

    def run(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
        done = subprocess.run(
            [Path(sys.executable).with_name("anytel"), *arguments],
            cwd=tmp_path,
            env={**env, "PROMTOOL": str(promtool)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return run
