"""A scraper: reads a metrics endpoint as a Prometheus server does, with the vendor's own parsers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.request import ProxyHandler, Request, build_opener

from prometheus_client import parser as plain
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.samples import Exemplar, Sample

__all__ = ["ACCEPT", "Scrape", "parse", "scrape"]

ACCEPT = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
"""What Prometheus 2.42 sends."""


@dataclass(frozen=True, slots=True, eq=False)
class Scrape:
    """One exposition: its text, and its families by name (a counter's without ``_total``)."""

    content_type: str
    text: str
    families: Mapping[str, Metric]

    def samples(self, name: str) -> list[Sample]:
        """Give all samples of that *name*, such as ``mcp_calls_total`` or ``x_seconds_bucket``."""
        return [sample for family in self.families.values() for sample in family.samples if sample.name == name]

    def value(self, name: str, **labels: str) -> float | None:
        """Give the value of the one sample with exactly these *labels*, or None."""
        found = self._sample(name, labels)
        return None if found is None else found.value

    def exemplar(self, name: str, **labels: str) -> Exemplar | None:
        """Give the exemplar of the one sample with exactly these *labels*, or None."""
        found = self._sample(name, labels)
        return None if found is None else found.exemplar

    def exemplars(self, name: str) -> list[Exemplar]:
        """Give the exemplars of all samples of that *name*."""
        return [sample.exemplar for sample in self.samples(name) if sample.exemplar]

    def _sample(self, name: str, labels: Mapping[str, str]) -> Sample | None:
        return next((sample for sample in self.samples(name) if sample.labels == labels), None)


def scrape(url: str, accept: str = ACCEPT, timeout: float = 10.0) -> Scrape:
    """Fetch *url* and parse what it answers.

    Raises:
        urllib.error.HTTPError: The answer is not a success.
        ValueError: The exposition is not valid, or names a family twice.
    """
    opener = build_opener(ProxyHandler({}))  # loopback traffic never goes through a proxy
    with opener.open(Request(url, headers={"Accept": accept}), timeout=timeout) as response:  # noqa: S310 -- http only
        return parse(response.read(), response.headers["Content-Type"])


def parse(body: bytes, content_type: str) -> Scrape:
    """Parse an exposition in the format that its *content_type* names.

    Raises:
        ValueError: The exposition is not valid, or names a family twice.
    """
    reader = openmetrics if content_type.startswith("application/openmetrics-text") else plain
    text, families = body.decode(), dict[str, Metric]()
    for family in reader.text_string_to_metric_families(text):
        if family.name in families:
            raise ValueError(f"the family {family.name} is there twice")
        families[family.name] = family
    return Scrape(content_type, text, families)
