"""What Prometheus receives of each feature, and how faithfully; the conformance kit proves every line."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FIDELITY"]

FIDELITY: Mapping[str, str] = MappingProxyType(
    {
        "metric": "exact",
        "metric.distribution": "approximate: in buckets; percentiles are interpolated (within 25 %)",
        "metric.set": "approximate: a gauge of the last minute; instances do not add up (within 10 %)",
        "metric.name": "approximate: dots become underscores, and the unit and a counter's _total are added",
        "metric.tags": "approximate: names become labels: letters, digits and underscores",
        "metric.unit": "approximate: base units: milliseconds become seconds, the values with them",
        "metric.description": "exact: where there is none, the metric's own name",
        "span": "unsupported: Prometheus stores metrics only",
        "log": "unsupported: Prometheus stores metrics only",
        "error": "unsupported: Prometheus stores metrics only",
    }
)
