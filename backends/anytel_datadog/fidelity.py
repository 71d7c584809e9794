"""What Datadog receives of each feature, and how faithfully."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FIDELITY"]

FIDELITY: Mapping[str, str] = MappingProxyType(
    {
        "metric.count": "exact",
        "metric.gauge": "exact",
        "metric.distribution": (
            "approximate: at most 1,000 samples per series and interval; more are a reservoir of them with its rate"
        ),
        "metric.histogram": "approximate: its samples go to the Agent's histogram; the declared buckets are not sent",
        "metric.set": "exact",
        "metric.unit": "unsupported: DogStatsD has none; set it in the metric's metadata",
        "metric.exemplars": "unsupported: DogStatsD has none",
        "metric.name": "approximate: letters, digits, underscores and dots are kept, the rest become underscores",
        "metric.tags": "approximate: characters that Datadog does not allow become underscores, 200 are kept",
        "span.id": "exact",
        "span.parent": "exact",
        "span.links": "approximate: attribute values as text",
        "span.events": "exact",
        "span.kind": "exact",
        "span.status": "approximate: ok is not told from unset",
        "span.service": "exact",
        "span.attributes": "approximate: numbers are floats; lists JSON text; those of HTTP have Datadog's names",
        "span.exception": "exact",
        "span.statistics": "approximate: of traces that are not sampled only the local roots are counted",
        "log": "unsupported: the Agent reads them from the process's output, with dd.trace_id and dd.span_id",
        "error": "approximate: seen on the spans that the exception left; a report without one is not sent",
    }
)
