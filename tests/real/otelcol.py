"""An OpenTelemetry Collector: it decodes what it is sent, and passes it on as it has understood it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anytel.testing.receivers.otlp import OtlpReceiver
from real.processes import free_ports, need, running

__all__ = ["Collector", "otelcol"]

# Without a queue it answers when its own receiver has, so that nothing need be waited for.
_CONFIG = """
receivers:
  otlp:
    protocols:
      http: {{endpoint: "127.0.0.1:{port}"}}
exporters:
  otlp_http:
    endpoint: {behind}
    encoding: json
    compression: none
    sending_queue: {{enabled: false}}
    retry_on_failure: {{enabled: false}}
service:
  telemetry:
    metrics: {{level: none}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlp_http]}}
    metrics: {{receivers: [otlp], exporters: [otlp_http]}}
    logs: {{receivers: [otlp], exporters: [otlp_http]}}
"""


@dataclass(frozen=True, slots=True)
class Collector:
    """A running collector at *url*; *behind* has what it passed on, which it writes as JSON."""

    url: str
    behind: OtlpReceiver


@contextmanager
def otelcol(folder: Path) -> Iterator[Collector]:
    """Run a collector."""
    tool = need("otelcol-0.165.0")
    (port,) = free_ports(1)
    with OtlpReceiver() as behind:
        (folder / "otelcol.yaml").write_text(_CONFIG.format(port=port, behind=behind.url))
        log, command = folder / "otelcol.log", (tool.path, "--config", "otelcol.yaml")
        with running(command, folder, lambda: "Everything is ready" in log.read_text()):
            yield Collector(f"http://127.0.0.1:{port}", behind)
