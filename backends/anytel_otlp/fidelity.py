"""What a collector receives of each feature, and how faithfully; the conformance kit proves every line."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FIDELITY"]

FIDELITY: Mapping[str, str] = MappingProxyType(
    {
        "metric": "exact",
        "metric.distribution": (
            "approximate: a histogram with the default buckets, or an exponential one where that is set (within 25 %)"
        ),
        "metric.set": "approximate: a gauge of the process's different values in the last minute (within 10 %)",
        "span": "exact",
        "span.exception": "exact: as an event named exception",
        "log": "exact",
        "log.logger": "exact: as the name of the scope",
        "log.exception": "exact: type, message and stack trace as attributes",
        "error": "exact: a log record",
        "error.id": "exact: as the attribute error.id",
        "error.handled": "exact: as the attribute error.handled",
        "error.chain": "approximate: in the text of the stack trace",
        "error.group": "approximate: in the text of the stack trace",
    }
)
