"""The end of a process: what is sent then opens connections after the interpreter has run its finalizers."""

import pytest

from anytel.testing.receivers.datadog import DatadogAgent
from anytel.testing.receivers.otlp import OtlpReceiver
from anytel.testing.receivers.sentry import SentryReceiver

RECEIVERS = {
    "sentry": (SentryReceiver, lambda receiver: {"SENTRY_DSN": receiver.dsn}),
    "otlp": (OtlpReceiver, lambda receiver: {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}),
    "datadog": (
        DatadogAgent,
        lambda receiver: {"DD_TRACE_AGENT_URL": receiver.url, "DD_DOGSTATSD_URL": "udp://127.0.0.1:9"},
    ),
}


@pytest.mark.parametrize("backend", RECEIVERS)
def test_no_connection_is_left_open_at_the_end_of_a_process(run_python, backend):
    """Python would complain of each on standard error, in the midst of a service's log lines."""
    make, settings = RECEIVERS[backend]
    with make() as receiver:
        done = run_python(
            "import anytel\n"
            f"anytel.configure(service='shop', backends='{backend}')\n"
            "with anytel.span('first'): pass\n"
            "assert anytel.flush(10)\n"
            "with anytel.span('last'): pass\n",
            **settings(receiver),
        )
    assert done.stderr == ""
