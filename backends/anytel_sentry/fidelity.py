"""What Sentry receives of each feature, and how faithfully."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FIDELITY"]

FIDELITY: Mapping[str, str] = MappingProxyType(
    {
        "metric.count": "exact",
        "metric.gauge": "approximate: the last value of each interval in which it was written",
        "metric.distribution": "approximate: at most 1,000 samples per series and interval, then a reservoir of them",
        "metric.histogram": "approximate: sent as a distribution; the declared buckets are not",
        "metric.set": "approximate: a gauge of the different values seen by each process in the last minute",
        "metric.unit": "approximate: in Sentry's names; the others as written",
        "metric.exemplars": "unsupported: aggregated metrics belong to no span",
        "span.parent": "exact",
        "span.links": "exact",
        "span.events": "approximate: as the attribute span.events, one JSON text each",
        "span.kind": "approximate: as the attribute sentry.kind",
        "span.status": "approximate: unset becomes ok; the message is the attribute sentry.status.message",
        "span.attributes": "approximate: a list of mixed types becomes JSON text",
        "span.exception": "approximate: type and message as attributes; the stack is in the error report",
        "log": "exact",
        "log.exception": "approximate: type, message and stack trace as attributes",
        "error": "approximate: without local variables, and without what integrations put on the capturing scope",
        "error.chain": "exact",
        "error.group": "exact",
        "error.attributes": "exact",
    }
)
