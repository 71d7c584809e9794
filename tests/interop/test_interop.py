"""A trace that passes services with one vendor's SDK alone, and ours between them, over real HTTP."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

PROCESS = Path(__file__).parent / "process.py"
TESTS = str(Path(__file__).parents[1])
VENDORS = ("sentry", "datadog", "opentelemetry")
QUIET = {
    "DD_TRACE_AGENT_URL": "http://127.0.0.1:9", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false", "DD_TRACE_STARTUP_LOGS": "false",
}  # fmt: skip


def command(*arguments):
    """Give what starts one of the processes, without settings of our own environment."""
    prefixes = ("TELEMETRY_", "SENTRY_", "DD_", "OTEL_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    return {"args": [sys.executable, PROCESS, *arguments], "env": {**clean, **QUIET, "PYTHONPATH": TESTS}, "text": True}


@pytest.fixture(scope="module")
def services():
    """Have one service of each vendor, and ours; give their URLs."""
    with ExitStack() as stack:
        started = {}
        for name in (*VENDORS, "anytel"):
            process = subprocess.Popen(
                **command("serve", name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait, 30)
            stack.callback(process.stdout.close)
            stack.callback(process.stdin.close)
            started[name] = process
        ports = {name: process.stdout.readline().strip().removeprefix("port=") for name, process in started.items()}
        yield {name: f"http://127.0.0.1:{int(port)}/" for name, port in ports.items()}


@pytest.mark.parametrize("decision", ["keep", "drop"])
@pytest.mark.parametrize("caller", VENDORS)
def test_a_trace_keeps_its_id_and_its_decision_through_all_services(services, caller, decision):
    """The caller decides; ours, which would keep half, and the callees, which would keep all, agree."""
    callees = "&".join(f"to={quote(services[name])}" for name in VENDORS)
    url = f"{services['anytel']}?{callees}"
    done = subprocess.run(**command("call", caller, url, decision), check=False, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])

    trace_id = found["caller"][0]
    assert len(trace_id) == 32
    known = [trace_id, decision == "keep"]
    assert found == {"caller": known, "relay": known, "callees": [known] * len(VENDORS)}
