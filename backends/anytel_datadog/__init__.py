"""The Datadog backend of anytel: spans to the Agent's trace API, metrics to its DogStatsD socket.

Logs reach Datadog from the process's output, which the Agent tails; they carry ``dd.trace_id`` and ``dd.span_id``.
"""

from anytel_datadog.backend import DatadogBackend

__all__ = ["DatadogBackend"]
