"""A service whose metrics are scraped: records them once, says where it listens, and stays until its input ends."""

import json
import sys

import anytel
from anytel import runtime

CALLS = anytel.Counter("mcp.calls", tags=("endpoint",), unit="{call}", description='Calls, of "all"\nkinds \\ kin')
RESPONSE = anytel.Histogram("response.time", unit="ms", buckets=(10, 100), description="Time to answer")

anytel.configure()
with anytel.span("mcp.call") as span:
    CALLS.add(2, {"endpoint": "search"})
    CALLS.add(1, {"endpoint": 'a\n"b"\\ é'})
    RESPONSE.record(5)
    RESPONSE.record(50)
anytel.distribution("payment.time", 0.25, unit="s", tags={"provider": "visa"})
anytel.gauge("queue.depth", 12)
anytel.gauge("cache.hits", 0.5, unit="1")
for user in ("u1", "u2", "u1"):
    anytel.set("users.active", user)
(prometheus,) = (backend for backend in runtime.active.pipeline.backends if backend.name == "prometheus")
print(json.dumps({"url": prometheus.url, "trace_id": span.trace_id, "span_id": span.span_id}), flush=True)
sys.stdin.read()
anytel.shutdown()
