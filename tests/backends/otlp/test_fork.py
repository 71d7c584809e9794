"""A forked child sends its own records over its own connection, as an instance of its own."""

import subprocess
import sys

SCRIPT = """
import os, sys
import anytel

anytel.configure(service="shop", backends="otlp", flush_interval=3600)
with anytel.span("before"):
    anytel.count("n")
assert anytel.flush(20)
child = os.fork()
with anytel.span("child" if child == 0 else "parent"):
    anytel.count("n", 5)
assert anytel.shutdown(20)
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_child_sends_what_is_its_own(collector):
    """Its totals begin with it, and its resource has another instance id and process id."""
    env = {"PYTHONPATH": ":".join(sys.path), "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr

    spans = {one.name: one for one in collector.spans}
    assert sorted(one.name for one in collector.spans) == ["before", "child", "parent"]
    for name in ("service.instance.id", "process.pid"):
        assert spans["before"].resource[name] == spans["parent"].resource[name] != spans["child"].resource[name]
    totals = {}
    for one in collector.metrics:
        [point] = one.wire.sum.data_points
        totals[one.resource["process.pid"]] = point.as_double or point.as_int
    assert totals == {spans["parent"].resource["process.pid"]: 6, spans["child"].resource["process.pid"]: 5}
