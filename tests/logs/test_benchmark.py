"""The benchmark of what a line costs compares lines that are the same."""

import json
import subprocess
import sys

from docs.pages import ROOT


def test_all_ways_write_the_same_fields():
    """It checks that itself, before it measures; what it measures here is not looked at."""
    command = [sys.executable, "-m", "benchmarks.logging.caller", "2", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)

    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert list(results) == ["structlog by hand", "anytel, sync", "anytel, sync, with a backend", "anytel, async"]
    assert all(one["ratio"] > 0 for one in results.values())
