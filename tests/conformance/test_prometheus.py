"""The Prometheus backend on the kit: scraped over HTTP and read by the vendor's own parser."""

import re
from typing import ClassVar

from anytel.testing.conformance import BackendConformance, Measured, Observed
from anytel.testing.receivers.prometheus import scrape
from anytel_prometheus import PrometheusBackend

WORDS = {
    "s": "seconds",
    "ms": "seconds",
    "us": "seconds",
    "ns": "seconds",
    "min": "seconds",
    "By": "bytes",
    "MiBy": "bytes",
}
UNITS = {"seconds": "s", "bytes": "By", "ratio": "1", "": ""}
KINDS = {"counter": "count", "gauge": "gauge", "histogram": "histogram"}


class TestPrometheus(BackendConformance):
    """A forked child is another target, which nobody scrapes here."""

    shared_wire = False
    names: ClassVar = {
        "naming.calls": "naming_calls",
        "naming.requests_total": "naming_requests",
        "naming.sent": "naming_sent_bytes",
        "naming.cache-hits": "naming_cache_hits",
        "naming/queue.depth": "naming_queue_depth",
        "naming.heap": "naming_heap_bytes",
        "naming.usage": "naming_usage_ratio",
        "naming.wait": "naming_wait_seconds",
        "naming.wait_seconds": "naming_wait_seconds",
        "naming.query": "naming_query_seconds",
        "naming.users": "naming_users",
    }

    def make(self):
        return PrometheusBackend(host="127.0.0.1", port=0)

    def spell(self, series):
        name = re.sub(r"[^A-Za-z0-9_:]", "_", series.name)
        name = name.removesuffix("_total") if series.kind == "count" else name
        word = "ratio" if series.kind == "gauge" and series.unit == "1" else WORDS.get(series.unit, "")
        suffix = f"_{word}" if word and series.kind != "set" and not name.endswith(f"_{word}") else ""
        tags = {re.sub(r"[^A-Za-z0-9_]", "_", tag): value for tag, value in series.tags.items()}
        return name + suffix, tags

    def read(self):
        if self.backend.url is None:
            return Observed()
        answer = scrape(self.backend.url)
        families = [one for one in answer.families.values() if one.name.startswith(("kit", "naming"))]
        return Observed(metrics=[one for family in families for one in measured(family)], raw=answer.text.encode())


def measured(family):
    series = {}
    for sample in family.samples:
        tags = {name: value for name, value in sample.labels.items() if name != "le"}
        series.setdefault(tuple(tags.items()), []).append(sample)
    for tags, samples in series.items():
        yield one_series(family, dict(tags), samples)


def one_series(family, tags, samples):
    by_name = {sample.name.removeprefix(family.name): sample.value for sample in samples}
    values = {"value": by_name.get("_sum", by_name.get("_total", by_name.get("")))}
    if family.type == "histogram":
        bounds = [(float(one.labels["le"]), one.value) for one in samples if one.name.endswith("_bucket")]
        below = [0.0, *(total for _, total in bounds)]
        values["buckets"] = tuple((bound, total - low) for (bound, total), low in zip(bounds, below, strict=False))
        values["count"] = bounds[-1][1]  # there is no _count where values are negative
    seen = [one.exemplar.labels for one in samples if one.exemplar]
    return Measured(
        name=family.name,
        kind=KINDS[family.type],
        tags=tags,
        unit=UNITS.get(family.unit, family.unit),
        description=family.documentation,
        exemplars=frozenset((int(one["trace_id"], 16), int(one["span_id"], 16)) for one in seen) or None,
        **values,
    )
