"""Both vendors' receivers and an echo, and a service between them in a process of its own."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from anytel.testing.receivers.datadog import DatadogAgent, trace_id_of
from anytel.testing.receivers.dogstatsd import DogStatsD
from anytel.testing.receivers.http import Answer, HttpReceiver
from anytel.testing.receivers.sentry import SentryReceiver

SERVICE = Path(__file__).parent / "service.py"
PREFIXES = ("TELEMETRY_", "SENTRY_", "DD_", "OTEL_", "COEXIST_")
QUIET = {
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false", "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "DD_TRACE_STARTUP_LOGS": "false", "DD_CRASHTRACKING_ENABLED": "false",
}  # fmt: skip


class Echo(HttpReceiver):
    """Answers with the headers that it was sent."""

    def received(self, request):
        return Answer(body=json.dumps(dict(request.headers)).encode())


class Vendors:
    """What the vendors have received, by trace."""

    def __init__(self, sentry, agent, statsd, echo):
        self.sentry, self.agent, self.statsd, self.echo = sentry, agent, statsd, echo

    def environment(self, **more):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
        return clean | QUIET | {
            "SENTRY_DSN": self.sentry.dsn, "DD_TRACE_AGENT_URL": self.agent.url, "DD_DOGSTATSD_URL": self.statsd.url,
            "DD_SERVICE": "shop", "COEXIST_ECHO": self.echo.url, "TELEMETRY_BACKENDS": "sentry,datadog",
            "PYTHONPATH": str(SERVICE.parents[1]), **more,
        }  # fmt: skip

    @contextmanager
    def serving(self, *prefix, **environment):
        """Run the service; gives a function that asks it. At the end, everything is delivered."""
        process = subprocess.Popen(
            [*(Path(sys.executable).with_name(one) for one in prefix), sys.executable, SERVICE],
            env=self.environment(**environment), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            # ddtrace may have said something before, even without ending its line.
            told = next((line for line in process.stdout if "port=" in line), None)
            assert told is not None, process.stderr.read()
            port = int(told.rpartition("port=")[2])
            yield lambda path, **headers: ask(f"http://127.0.0.1:{port}{path}", headers)
        finally:
            self.output, self.errors = process.communicate("", timeout=60)
        assert process.returncode == 0, self.errors

    @staticmethod
    def trace_id(trace):
        return f"{trace_id_of(trace):032x}"

    def sentry_spans(self, trace_id):
        return [span for span in self.sentry.spans if span.trace_id == trace_id]

    def datadog_spans(self, trace_id):
        return [span for trace in self.agent.traces if self.trace_id(trace) == trace_id for span in trace]

    def priorities(self, trace_id):
        traces = [trace for trace in self.agent.traces if self.trace_id(trace) == trace_id]
        return {trace[0]["metrics"].get("_sampling_priority_v1") for trace in traces}

    def issues(self, kind):
        return [event for event in self.sentry.events if event["exception"]["values"][-1]["type"] == kind]


def ask(url, headers=None):
    request = urllib.request.Request(
        url, headers={name.replace("_", "-"): value for name, value in (headers or {}).items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as failed:
        failed.read()
        return failed.code


@pytest.fixture
def vendors():
    with ExitStack() as stack:
        yield Vendors(*(stack.enter_context(one()) for one in (SentryReceiver, DatadogAgent, DogStatsD, Echo)))
