"""The backend: spans to the Agent's trace API, metrics to DogStatsD."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import msgspec
from datadog.dogstatsd.container import Cgroup

from anytel.backend import Ack, Backend, Host, MetricBatch, Series, Signal, SpanRecord, Spelling, VendorTracing
from anytel.backend.version import version
from anytel_datadog import naming
from anytel_datadog.agent import Agent
from anytel_datadog.chunks import Renderer
from anytel_datadog.fidelity import FIDELITY
from anytel_datadog.joining import Tracing, loaded
from anytel_datadog.settings import Settings
from anytel_datadog.statsd import Statsd

__all__ = ["DatadogBackend"]

_PATH = "/v0.4/traces"
_MAX_PAYLOAD = 5_000_000
"""Bytes of one request; the Agent takes 25 MB."""
_RESOURCE_TAGS = {"service.name": "service", "deployment.environment.name": "env", "service.version": "version"}


class DatadogBackend(Backend):
    """Sends to a Datadog Agent: spans to *agent_url*, metrics to *dogstatsd_url*.

    Without arguments the environment says where they are: ``DD_TRACE_AGENT_URL`` (``http://`` or ``unix://``), or
    ``DD_AGENT_HOST`` and ``DD_TRACE_AGENT_PORT``; ``DD_DOGSTATSD_URL`` (``udp://`` or ``unix://``), or
    ``DD_DOGSTATSD_HOST``, ``DD_AGENT_HOST`` and ``DD_DOGSTATSD_PORT``; else the local Agent's own ports, 8126 and 8125.
    ``DD_TAGS`` are put on every span and metric. `native` is the DogStatsD client.

    Raises:
        ConfigError: an address cannot be used.
    """

    name: ClassVar[str] = "datadog"
    signals: ClassVar[frozenset[Signal]] = frozenset({"span", "metric"})
    unsampled_roots: ClassVar[bool] = True
    fidelity: ClassVar[Mapping[str, str]] = FIDELITY

    def __init__(self, *, agent_url: str | None = None, dogstatsd_url: str | None = None) -> None:
        self._settings = Settings.read(agent_url, dogstatsd_url)
        self._clients: tuple[Agent | Statsd, ...] = ()
        self._tracing: Tracing | None = None

    @classmethod
    def spelling(cls, series: Series, /) -> Spelling:
        """Give the names that a query has; a metric's unit is set in Datadog, in its metadata."""
        return naming.spelling(series)

    def open(self, host: Host, /) -> None:
        """Make ready to send; nothing is sent and no connection made yet."""
        self._release()
        self._host = host
        settings, resource = self._settings, host.resource
        known = {name: resource[key] for key, name in _RESOURCE_TAGS.items() if resource.get(key)}
        self._renderer = Renderer(resource, settings.tags)
        self._agent = Agent(settings.agent, _headers())
        self._statsd = Statsd(settings.statsd, {**settings.tags, **known})
        self._clients = (self._agent, self._statsd)
        self.native = self._statsd.client

    def spans(self, batch: Sequence[SpanRecord], deadline: float, /) -> Ack:
        """Send the spans, in as many requests as their size asks for; from the first that has to wait on, all wait."""
        delivered, dropped = 0, Counter[str]()
        for count, traces, body in self._payloads(batch):
            answer = self._agent.post(_PATH, body, {"X-Datadog-Trace-Count": str(traces)}, deadline)
            if answer.retryable:
                waiting = len(batch) - delivered - dropped.total()
                return Ack(delivered, dict(dropped), waiting, answer.retry_after)
            if answer.ok:
                delivered += count
            else:
                dropped[f"http_{answer.status}"] += count
        return Ack(delivered, dict(dropped))

    def metrics(self, batch: MetricBatch, deadline: float, /) -> Ack:
        """Send the points; gauges every time, since Datadog shows a gap where one is not sent."""
        return self._statsd.send(batch, deadline)

    def tracing(self) -> VendorTracing | None:
        """Give ddtrace's tracing, if the application has loaded ddtrace."""
        if self._tracing is None and (ddtrace := loaded()) is not None:
            self._tracing = Tracing(ddtrace, self._host)
        return self._tracing

    def close(self, deadline: float, /) -> bool:
        """Close the connections; nothing is held back that could be sent."""
        self._release()
        return True

    def _release(self) -> None:
        for client in self._clients:
            client.close()
        self._clients, self.native = (), None
        if self._tracing is not None:
            self._tracing.close()
            self._tracing = None

    def _payloads(self, batch: Sequence[SpanRecord]) -> Iterator[tuple[int, int, bytes]]:
        """Give the number of spans and of traces of each request, and its body."""
        if not batch:
            return
        chunks = self._renderer.chunks(batch)
        body = msgspec.msgpack.encode(chunks)
        if len(body) <= _MAX_PAYLOAD or len(batch) == 1:
            yield len(batch), len(chunks), body
        else:
            middle = len(batch) // 2
            yield from self._payloads(batch[:middle])
            yield from self._payloads(batch[middle:])


def _headers() -> Mapping[str, str]:
    """Give the headers of every request: ddtrace's own, without ``Datadog-Client-Computed-Stats``.

    That one would claim that the statistics are sent to ``/v0.6/stats``; here the Agent computes them.
    """
    return {
        "Content-Type": "application/msgpack",
        "Datadog-Meta-Lang": "python",
        "Datadog-Meta-Lang-Version": platform.python_version(),
        "Datadog-Meta-Lang-Interpreter": platform.python_implementation(),
        "Datadog-Meta-Tracer-Version": version(),
        "Datadog-Client-Computed-Top-Level": "true",
        "Datadog-Send-Real-Http-Status": "1",  # 429 from an Agent that is overloaded, not 200
        **_container(),
    }


def _container() -> dict[str, str]:
    """Say which container this is, so that the Agent can add its tags."""
    external = os.environ.get("DD_EXTERNAL_ENV")
    found = {"Datadog-External-Env": external} if external else {}
    try:
        entity = Cgroup().container_id
    except Exception:
        return found  # no cgroups here
    if entity and entity.startswith("ci-"):
        found["Datadog-Container-ID"] = entity.removeprefix("ci-")
    return found | ({"Datadog-Entity-ID": entity} if entity else {})
