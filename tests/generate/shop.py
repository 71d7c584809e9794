"""A shop's declarations."""

from __future__ import annotations

import anytel


class Shop:
    """Metrics of every kind, objectives of every form, and alerts on each stat."""

    def __init__(self):
        self.calls = anytel.Counter(
            "mcp.calls",
            tags={"endpoint": ("revalidate", "skills"), "outcome": ("ok", "error")},
            unit="{call}",
            owner="core",
        )
        self.errors = anytel.Counter("mcp.errors")
        self.time = anytel.Distribution(
            "response.time", tags=("endpoint", "http.response.status_code"), unit="ms", buckets=(100, 250, 1000)
        )
        self.depth = anytel.Gauge("queue.depth", tags=("queue",))
        self.disk = anytel.Gauge("disk.used", unit="MiBy")
        self.users = anytel.Set("unique.users")

    def declare(self):
        """Declare objectives and alerts."""
        calls, time = self.calls, self.time
        failed = anytel.Stat(calls, where={"outcome": "error"})
        anytel.SLO(
            "bad", "0.999", "30d", anytel.Ratio(bad=failed, total=calls), min_events=500, notify=("slack", "mail")
        )
        succeeded = anytel.Stat(calls, where={"outcome": "ok"})
        searching = anytel.Stat(calls, where={"endpoint": "skills"})
        anytel.SLO("good", 0.99, "28d", anytel.Ratio(good=succeeded, total=searching), runbook="https://example.com/r")
        anytel.SLO("apart", 0.99, "7d", anytel.Ratio(bad=self.errors, total=calls), description="Calls {{succeed}}")
        anytel.SLO("fast", 0.95, "30d", anytel.Latency(time, le=250, where={"endpoint": "!healthz"}))
        server = anytel.Stat(time, where={"http.response.status_code": "5*"})
        anytel.SLO("http", 0.98, "90d", anytel.Ratio(bad=server, total=time))
        alert = anytel.Alert
        slow = "{value} at {endpoint}, {{over}} {threshold}"
        alert("P95", anytel.Stat(time, "p95", by="endpoint") > 500, severity="critical", message=slow, no_data="10m")
        alert("Avg", anytel.Stat(time, "avg", window="1m") > 500, severity="warning", for_="30s")
        alert("Rate", anytel.Stat(calls, by="outcome", where={"endpoint": "skills"}) < 0.7, severity="info", for_="0s")
        alert("Increase", anytel.Stat(calls, "increase", window="1h") >= 12000, severity="info", for_="0s")
        alert("Depth", anytel.Stat(self.depth, "max", by="queue") >= 12.5, severity="info")
        alert("DepthLow", anytel.Stat(self.depth, "sum") < 0, severity="info")
        alert("Disk", anytel.Stat(self.disk, "max") > 2048, severity="info")
        alert("Unique", anytel.Stat(self.users) < 5, severity="info")
        alert("Share", anytel.Ratio(bad=failed, total=anytel.Stat(calls, by="endpoint")) > 0.05, severity="info")
        alert("Within", anytel.Latency(time, le=250, by="endpoint") < 0.9, severity="info")
        alert("Samples", anytel.Stat(time, "rate", where={"endpoint": ("a b", "c-1")}) > 100, severity="info")
        mail = anytel.Stat(self.depth, "sum", where={"queue": "mail"})
        alert("Queues", anytel.Ratio(part=mail, total=anytel.Stat(self.depth, "sum")) > 0.5, severity="info")
        alert("Own", anytel.Raw(promql='up{job="other"} == 0'), severity="info", message="{value} of {{it}}")
