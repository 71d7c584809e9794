"""What Sentry receives of each feature, and how faithfully; the conformance kit proves every line."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FIDELITY"]

FIDELITY: Mapping[str, str] = MappingProxyType(
    {
        "metric": "exact",
        "metric.distribution": "approximate: beyond 1,000 samples, a reservoir of them (within 25 %)",
        "metric.histogram": "approximate: sent as a distribution; the declared buckets are not",
        "metric.set": "approximate: a gauge of the process's different values in the last minute (within 10 %)",
        "metric.unit": "approximate: in Sentry's names; the others as written",
        "metric.description": "unsupported: Sentry's metrics have none",
        "metric.exemplars": "unsupported: aggregated metrics belong to no span",
        "span": "exact",
        "span.time": "approximate: in seconds, to about a microsecond",
        "span.status": "approximate: unset becomes ok; the message is the attribute sentry.status.message",
        "span.attributes": "approximate: a list of mixed types becomes JSON text",
        "span.events": "exact: as the attribute span.events, one JSON text each",
        "span.kind": "exact: as the attribute sentry.kind",
        "span.exception": "approximate: type and message as attributes; the stack is in the error report",
        "log": "exact",
        "log.exception": "exact: type, message and stack trace as attributes",
        "error": "exact",
    }
)
