"""``prometheus.yml``: what is scraped, which rules are evaluated, and who is told of alerts."""

from __future__ import annotations

from collections.abc import Mapping

from anytel.generate.options import Options

__all__ = ["config"]


def config(options: Options) -> Mapping[str, object]:
    """Give the configuration of the Prometheus that scrapes the service."""
    return {
        "global": {
            "scrape_interval": options.scrape_interval,
            "evaluation_interval": options.evaluation_interval,
            "external_labels": dict(sorted(options.external_labels.items())),
        },
        "rule_files": ["rules/*.yml"],
        "alerting": {
            # Two Prometheis that see the same send the same alert.
            "alert_relabel_configs": [{"regex": "replica", "action": "labeldrop"}],
            "alertmanagers": [{"static_configs": [{"targets": list(options.alertmanagers)}]}],
        },
        "scrape_configs": [
            {
                "job_name": options.service,
                "metrics_path": options.metrics_path,
                "static_configs": [{"targets": list(options.scrape)}],
            },
            {"job_name": "prometheus", "static_configs": [{"targets": ["localhost:9090"]}]},
        ],
    }
