"""Datadog's own test agent, where it is installed: it checks what tracers send.

It pins an old protobuf, so it lives in an environment of its own; ``DDAPM_TEST_AGENT`` may name its binary.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from anytel.backend import Event
from anytel_datadog import DatadogBackend

BINARY = os.environ.get("DDAPM_TEST_AGENT") or shutil.which("ddapm-test-agent")
CHECKS = (
    "trace_count_header,meta_tracer_version_header,trace_content_length,trace_stall,meta_events_is_valid_json,"
    "trace_peer_service,trace_dd_service"
)

pytestmark = pytest.mark.skipif(not BINARY, reason="ddapm-test-agent is neither in DDAPM_TEST_AGENT nor on the PATH")


def free_ports(number):
    """Give ports that are free now: the test agent takes no 0."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [str(server.getsockname()[1]) for server in sockets]
    for server in sockets:
        server.close()
    return ports


@pytest.fixture
def test_agent(tmp_path):
    """Run the test agent until it answers; give its address."""
    port, otlp_http, otlp_grpc = free_ports(3)
    command = [BINARY, "--port", port, "--otlp-http-port", otlp_http, "--otlp-grpc-port", otlp_grpc]
    env = {**os.environ, "ENABLED_CHECKS": CHECKS}
    log = tmp_path / "agent.log"
    with log.open("wb") as output, subprocess.Popen(command, env=env, stdout=output, stderr=output) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url, process, log)
            yield url
        finally:
            process.terminate()


def wait_for(url, process, log):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"{url}/info", timeout=5):
                return
        except (URLError, ConnectionError):
            time.sleep(0.05)
    pytest.fail(log.read_text())


def get(url):
    with urlopen(url, timeout=10) as answer:
        return answer.read()


def test_the_test_agent_accepts_what_we_send(test_agent, host, make):
    """A tree with an error, an event, another service and an unsampled root; no check fails."""
    below = {"root_id": 1}
    events = (Event("retry", make.start, {"attempt": 2}),)
    spans = [
        make.span("query", 3, parent_id=2, service="db", kind="client", **(below | {"service_entry": True})),
        make.span("pay", 2, parent_id=1, status="error", exception=make.exception(), events=events, **below),
        make.span("POST /pay", 1, kind="server", attributes={"http.request.method": "POST"}),
        make.span(context=make.context(9, trace_id=99, sampled=False)),
    ]
    backend = DatadogBackend(agent_url=test_agent, dogstatsd_url="udp://127.0.0.1:9")
    backend.open(host)
    ack = backend.spans(spans, make.soon())
    backend.close(make.soon())
    assert ack.delivered == 4
    traces = json.loads(get(f"{test_agent}/test/session/traces"))
    assert sorted(len(trace) for trace in traces) == [1, 3]
    summary = json.loads(get(f"{test_agent}/test/trace_check/summary?return_all=true"))
    print(json.dumps(summary))
    assert summary["trace_count_header"]["Passed_Checks"] >= 1
    assert {name: found["Failed_Checks"] for name, found in summary.items() if found["Failed_Checks"]} == {}
