"""Two parsers of DogStatsD that are not Datadog's: Prometheus' statsd_exporter and telegraf's statsd input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from real.processes import free_ports, need, running, udp_port
from real.web import get

__all__ = ["StatsdExporter", "Telegraf", "statsd_exporter", "telegraf"]

_MAPPING = """
mappings:
  - match: "*.time"
    observer_type: histogram
    histogram_options: {buckets: [0.15, 0.25]}
    name: "${1}_time"
  - match: "*.*.time"
    observer_type: histogram
    histogram_options: {buckets: [0.15, 0.25]}
    name: "${1}_${2}_time"
"""
_TELEGRAF = """
[agent]
  interval = "200ms"
  flush_interval = "200ms"
  omit_hostname = true
[[inputs.statsd]]
  protocol = "udp4"
  service_address = "127.0.0.1:{port}"
  datadog_extensions = true
  datadog_distributions = true
  float_counters = true
  metric_separator = "."
[[outputs.file]]
  files = ["{output}"]
  data_format = "json"
"""


@dataclass(frozen=True, slots=True)
class StatsdExporter:
    """A running statsd_exporter: *statsd* is where it listens, *url* where it shows what it has received."""

    statsd: str
    url: str

    def samples(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        """Give the values of one metric by their labels.

        The parser ends a counter's name in ``_total``. Timers are histograms with the bounds 0.15 and 0.25.
        """
        families = text_string_to_metric_families(get(self.url).decode())
        found = (sample for family in families for sample in family.samples if sample.name == name)
        return {frozenset(sample.labels.items()): sample.value for sample in found}

    def refused(self) -> dict[str, float]:
        """Give how many samples and tags it could not read, or had no use for, by the reason."""
        errors, tags = (self.samples(f"statsd_exporter_{kind}_errors_total") for kind in ("sample", "tag"))
        reasons = {dict(labels).get("reason", "tag"): value for labels, value in (*errors.items(), *tags.items())}
        return {reason: value for reason, value in reasons.items() if value}


@contextmanager
def statsd_exporter(folder: Path) -> Iterator[StatsdExporter]:
    """Run statsd_exporter."""
    tool = need("statsd_exporter-0.30.0")
    (folder / "mapping.yml").write_text(_MAPPING)
    (web,), statsd = free_ports(1), udp_port()
    flags = (
        f"--web.listen-address=127.0.0.1:{web}",
        f"--statsd.listen-udp=127.0.0.1:{statsd}",
        "--statsd.listen-tcp=",
        "--statsd.mapping-config=mapping.yml",
    )
    url = f"http://127.0.0.1:{web}/metrics"
    with running([tool.path, *flags], folder, lambda: get(url)):
        yield StatsdExporter(f"udp://127.0.0.1:{statsd}", url)


@dataclass(frozen=True, slots=True)
class Telegraf:
    """A running telegraf: *statsd* is where it listens, *output* what it writes."""

    statsd: str
    output: Path

    def metrics(self) -> list[dict[str, Any]]:
        """Give everything written so far: name, tags and fields, a record per kind, series and interval."""
        lines = self.output.read_text().split("\n")[:-1] if self.output.exists() else []
        return [json.loads(line) for line in lines]

    def of(self, name: str) -> list[dict[str, Any]]:
        """Give what was written of one metric, the oldest first."""
        return [one for one in self.metrics() if one["name"] == name]


@contextmanager
def telegraf(folder: Path) -> Iterator[Telegraf]:
    """Run telegraf."""
    tool = need("telegraf-1.37.2")
    statsd, output = udp_port(), folder / "metrics.json"
    (folder / "telegraf.conf").write_text(_TELEGRAF.format(port=statsd, output=output))
    log = folder / "telegraf.log"
    command = tool.path, "--config", "telegraf.conf"
    with running(command, folder, lambda: "Started the statsd service" in log.read_text()):
        yield Telegraf(f"udp://127.0.0.1:{statsd}", output)
