"""The types of the public API, as a type checker sees them."""

import subprocess
import sys
from pathlib import Path


def test_the_api_has_the_types_it_says(tmp_path):
    """Strict mypy accepts the right uses of `tests/typing/api.py`, and refuses the wrong ones marked there."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), "--no-error-summary"]
    done = subprocess.run(
        [*command, "--config-file", str(root / "pyproject.toml"), str(root / "tests/typing/api.py")],
        cwd=root, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
