"""Every example of the README and the documentation, run as a reader would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docs.pages import PAGES, ROOT, blocks, name_of

SETTINGS = ("TELEMETRY_", "SENTRY_", "DD_", "OTEL_")
WITH_EXAMPLES = [page for page in PAGES if any(blocks(page, "python"))]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=name_of)
def test_the_examples_of_a_page_run_as_shown(page: Path, tmp_path: Path):
    """In a fresh process without any setting in its environment, and with every warning an error."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    command = [sys.executable, "-W", "error", str(ROOT / "tests" / "docs" / "run_page.py"), str(page)]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stdout.startswith("0 ")


def test_the_pages_that_promise_code_have_some():
    """A page whose blocks are not found would pass unseen."""
    found = {name_of(page) for page in WITH_EXAMPLES}
    assert found >= {"README.md", "docs/tutorial.md", "docs/api.md", "docs/settings.md", "docs/how-it-works.md"}
