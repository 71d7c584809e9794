"""Datadog's own test agent: it takes what tracers send, runs its checks on it, and shows it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from real.processes import free_ports, need, running
from real.web import get, get_json

__all__ = ["CHECKS", "DatadogTestAgent", "datadog_agent"]

CHECKS = (
    "trace_count_header",
    "meta_tracer_version_header",
    "trace_content_length",
    "trace_stall",
    "trace_peer_service",
    "meta_events_is_valid_json",
    "trace_dd_service",
)


@dataclass(frozen=True, slots=True)
class DatadogTestAgent:
    """A running test agent at *url*, which takes OTLP at *otlp*."""

    url: str
    otlp: str

    def clear(self) -> None:
        """Forget everything received so far."""
        get(f"{self.url}/test/session/clear")
        get(f"{self.url}/test/trace_check/clear")
        get(f"{self.otlp}/test/session/clear")

    def otlp_of(self, signal: Literal["traces", "metrics", "logs"]) -> list[dict[str, Any]]:
        """Give the OTLP requests received since the last clear, as the agent has decoded them."""
        found: list[dict[str, Any]] = get_json(f"{self.otlp}/test/session/{signal}")
        return found

    def traces(self) -> list[list[dict[str, Any]]]:
        """Give the traces received since the last clear."""
        found: list[list[dict[str, Any]]] = get_json(f"{self.url}/test/session/traces")
        return found

    def checks(self) -> dict[str, dict[str, int]]:
        """Give how often each check has passed, failed and been skipped."""
        found: dict[str, dict[str, int]] = get_json(f"{self.url}/test/trace_check/summary", {"return_all": "true"})
        return found


@contextmanager
def datadog_agent(folder: Path) -> Iterator[DatadogTestAgent]:
    """Run the test agent with all of its checks on."""
    tool = need("ddapm-test-agent-1.69.1")
    port, otlp_http, otlp_grpc = map(str, free_ports(3))
    ports = "--port", port, "--otlp-http-port", otlp_http, "--otlp-grpc-port", otlp_grpc
    url = f"http://127.0.0.1:{port}"
    with running([tool.path, *ports], folder, lambda: get(f"{url}/info"), ENABLED_CHECKS=",".join(CHECKS)):
        yield DatadogTestAgent(url, f"http://127.0.0.1:{otlp_http}")
