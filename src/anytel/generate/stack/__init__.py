"""The target ``stack``: a compose project with the service and all that watches it, ready to be started.

It stands alone: what it mounts lies in the folder ``stack``, with the addresses that hold inside of the project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from anytel.catalogue.catalogue import Catalogue
from anytel.generate import alertmanager, prometheus
from anytel.generate.grafana import shown
from anytel.generate.grafana.datasources import datasources, provider
from anytel.generate.options import Options
from anytel.generate.stack import compose, logs, ruler, thanos
from anytel.generate.text import notice, yaml_text

__all__ = ["files", "inside"]


def files(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give ``stack/compose.yaml``, the files that it mounts, and ``stack/.env.example``.

    Raises:
        ConfigError: A retention cannot be used.
        DeclarationError: A receiver or a mute cannot be used.
    """
    thanos.check(options)
    chosen = inside(options)
    head = notice(catalogue.app, "stack")
    divided = ruler.divided(prometheus.documents(catalogue, chosen), options.retention)
    mounted = {
        **{path: yaml_text(data, head) for path, data in divided.items()},
        **alertmanager.files(catalogue, chosen),
        "thanos/bucket.yml": yaml_text(thanos.BUCKET, head),
        "thanos/endpoints.yml": yaml_text(thanos.ENDPOINTS, head),
        "loki/loki.yml": yaml_text(logs.loki(), head),
        "alloy/config.alloy": logs.ALLOY,
        **shown(catalogue, chosen),
        "grafana/provisioning/datasources/datasources.yaml": yaml_text(datasources(chosen), head),
        "grafana/provisioning/dashboards/dashboards.yaml": yaml_text(provider(chosen), head),
        "compose.yaml": compose.text(catalogue, chosen),
        ".env.example": compose.environment(catalogue, chosen),
    }
    return {f"stack/{path}": text for path, text in mounted.items()}


def inside(options: Options) -> Options:
    """Give the options with the addresses inside of the project."""
    return replace(
        options,
        scrape=(f"{compose.APP}:{compose.METRICS_PORT}",),
        alertmanagers=("alertmanager:9093",),
        secrets="/run/secrets",
        prometheus_url="http://prometheus:9090",
        thanos_url="http://thanos-query:10902",
        loki_url="http://loki:3100",
    )
