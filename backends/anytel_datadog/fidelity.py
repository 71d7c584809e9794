"""What Datadog receives of each feature, and how faithfully; the conformance kit proves every line."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FIDELITY"]

FIDELITY: Mapping[str, str] = MappingProxyType(
    {
        "metric": "exact",
        "metric.distribution": "approximate: beyond 1,000 samples, a reservoir with its rate (within 25 %)",
        "metric.histogram": "approximate: its samples go to the Agent's histogram; the declared buckets are not sent",
        "metric.name": "approximate: letters, digits, underscores and dots are kept, the rest become underscores",
        "metric.tags": "approximate: characters that Datadog does not allow become underscores, 200 are kept",
        "metric.unit": "unsupported: DogStatsD has none; set it in the metric's metadata",
        "metric.description": "unsupported: DogStatsD has none; set it in the metric's metadata",
        "metric.exemplars": "unsupported: DogStatsD has none",
        "span": "exact",
        "span.kind": "exact: internal by its absence",
        "span.status": "exact: ok is not told from unset, which no call of the API sets",
        "span.attributes": "approximate: numbers are floats; lists JSON text; those of HTTP have Datadog's names",
        "span.links": "approximate: attribute values as text",
        "log": "unsupported: the Agent reads them from the process's output, with dd.trace_id and dd.span_id",
        "error": "unsupported: seen on the span it left; one captured outside of a span is not sent",
    }
)
