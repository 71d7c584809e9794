"""The Datadog backend on the kit: traces at a loopback Agent, metrics at its DogStatsD socket."""

import json
import re
import socket
from typing import ClassVar

import pytest

from anytel.testing.conformance import (
    BackendConformance,
    Measured,
    Observed,
    ObservedEvent,
    ObservedLink,
    ObservedSpan,
    Raised,
    functions_in,
)
from anytel.testing.receivers.datadog import DatadogAgent, trace_id_of
from anytel.testing.receivers.dogstatsd import DogStatsD
from anytel.testing.receivers.http import Answer, HttpReceiver
from anytel_datadog import DatadogBackend


class TestDatadog(BackendConformance):
    """Spans are chunks in v0.4."""

    names: ClassVar = {"naming.cache-hits": "naming.cache_hits", "naming/queue.depth": "naming_queue.depth"}

    @pytest.fixture
    def wire(self):
        with DatadogAgent() as self.agent, DogStatsD() as self.statsd, HttpReceiver() as self.silent:
            self.silent.answer = Answer(delay=30)
            yield

    def make(self):
        self.settle()  # what the adapter before this one has sent
        self.agent.clear()
        self.statsd.clear()
        return DatadogBackend(agent_url=self.agent.url, dogstatsd_url=self.statsd.url)

    def make_dead(self):
        return DatadogBackend(agent_url=self.silent.url, dogstatsd_url=self.statsd.url)

    def spell(self, series):
        tags = (re.sub(r"[^\w\-:./]", "_", f"{name}:{value}").partition(":") for name, value in series.tags.items())
        return re.sub(r"[^A-Za-z0-9_.]", "_", series.name), {name: value for name, _, value in tags}

    def read(self):
        self.settle()
        bodies = [*self.statsd.datagrams, *(one.body for one in self.agent.requests)]
        return Observed(
            metrics=[metric(one) for one in self.statsd.metrics if one.name != "settle"],
            spans=[span(trace, one) for trace in self.agent.traces if sampled(trace) for one in trace],
            malformed=[*self.agent.malformed, *(one.problem for one in self.statsd.malformed)],
            raw=b"".join(bodies),
        )

    def settle(self):
        """Wait until every datagram that was sent has been read: a socket gives them in their order."""
        before = len(self.statsd.named("settle"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"settle:1|c", (self.statsd.host, self.statsd.port))
        assert self.statsd.wait(lambda statsd: sum(one.name == "settle" for one in statsd.metrics) > before)


def sampled(trace):
    return trace[0]["metrics"]["_sampling_priority_v1"] > 0


def metric(one):
    match one.kind:
        case "set":
            values = {"members": frozenset(one.values)}
        case "count" | "gauge":
            values = {"value": one.values[-1]}
        case _:
            values = {"samples": one.values, "weight": 1 / one.rate}
    return Measured(name=one.name, kind=one.kind, tags=one.labels, **values)


def span(trace, one):
    meta = one["meta"]
    return ObservedSpan(
        ids=(trace_id_of(trace), one["span_id"]),
        name=one["resource"],
        start_ns=one["start"],
        end_ns=one["start"] + one["duration"],
        parent_id=one["parent_id"],
        kind=meta.get("span.kind", "internal"),
        status="error" if one["error"] else "unset",
        status_message=meta.get("error.message", ""),
        service=one["service"],
        attributes={**meta, **one["metrics"]},
        events=[event(found) for found in json.loads(meta.get("events", "[]"))],
        links=[link(found) for found in one["span_links"]],
        exception=raised(meta) if "error.type" in meta else None,
    )


def event(found):
    return ObservedEvent(name=found["name"], time_ns=found["time_unix_nano"], attributes=found.get("attributes", {}))


def link(found):
    ids = (found["trace_id_high"] << 64 | found["trace_id"], found["span_id"])
    return ObservedLink(ids=ids, attributes=found["attributes"])


def raised(meta):
    kind, functions = meta["error.type"].removeprefix("builtins."), functions_in(meta["error.stack"])
    return Raised(type=kind, message=meta["error.message"], functions=functions)
