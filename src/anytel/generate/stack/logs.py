"""Logs: Loki keeps them, Grafana Alloy reads them from the containers (promtail has reached its end of life)."""

from __future__ import annotations

from collections.abc import Mapping

from anytel.generate.stack.images import ALLOY as ALLOY_IMAGE
from anytel.generate.stack.images import LOKI
from anytel.generate.stack.service import Service, after, healthy, mounted, service

__all__ = ["ALLOY", "loki", "services"]

ALLOY = """\
// Reads what the containers of this project print, and sends it to Loki.
discovery.docker "project" {
  host             = "unix:///var/run/docker.sock"
  refresh_interval = "5s"

  filter {
    name   = "label"
    values = ["com.docker.compose.project=" + sys.env("COMPOSE_PROJECT")]
  }
}

discovery.relabel "project" {
  targets = discovery.docker.project.targets

  rule {
    source_labels = ["__meta_docker_container_label_com_docker_compose_service"]
    target_label  = "compose_service"
  }
}

loki.source.docker "project" {
  host       = "unix:///var/run/docker.sock"
  targets    = discovery.relabel.project.output
  forward_to = [loki.process.project.receiver]
}

// Of a line in JSON, as anytel writes them, level, service and environment become labels: few values each. What has
// many, such as the trace id, stays in the line or becomes structured metadata. A line keeps its own time.
loki.process "project" {
  stage.json {
    expressions = {
      timestamp    = "timestamp",
      level        = "level",
      service_name = "service",
      environment  = "environment",
      trace_id     = "trace_id",
      span_id      = "span_id",
    }
  }

  stage.timestamp {
    source = "timestamp"
    format = "RFC3339Nano"
  }

  stage.labels {
    values = {environment = "", level = "", service_name = ""}
  }

  stage.structured_metadata {
    values = {span_id = "", trace_id = ""}
  }

  forward_to = [loki.write.default.receiver]
}

loki.write "default" {
  endpoint {
    url = "http://loki:3100/loki/api/v1/push"
  }
}
"""


_RULER = {
    "storage": {"type": "local", "local": {"directory": "/etc/loki/rules"}},
    "rule_path": "/loki/rules-evaluated",
    "alertmanager_url": "http://alertmanager:9093",
    "enable_api": True,
}


def loki(*, alerts: bool = False) -> Mapping[str, object]:
    """Give the configuration of a single Loki that keeps logs on a volume for 30 days; with *alerts* it has rules."""
    return {
        "auth_enabled": False,
        "server": {"http_listen_port": 3100},
        "common": {
            "path_prefix": "/loki",
            "replication_factor": 1,
            "ring": {"kvstore": {"store": "inmemory"}},
            "storage": {"filesystem": {"chunks_directory": "/loki/chunks", "rules_directory": "/loki/rules"}},
        },
        "schema_config": {
            "configs": [
                {
                    "from": "2025-01-01",
                    "store": "tsdb",
                    "object_store": "filesystem",
                    "schema": "v13",
                    "index": {"prefix": "index_", "period": "24h"},
                }
            ]
        },
        "limits_config": {"retention_period": "30d", "allow_structured_metadata": True},
        "compactor": {
            "working_directory": "/loki/compactor",
            "retention_enabled": True,
            "delete_request_store": "filesystem",
        },
        **({"ruler": _RULER} if alerts else {}),
        "analytics": {"reporting_enabled": False},
    }


def services(*, alerts: bool = False) -> Mapping[str, tuple[str, Service]]:
    """Give each service by its name, with the comment that belongs above it; with *alerts* there are rules."""
    rules = [mounted("loki/rules", "/etc/loki/rules")] if alerts else []
    return {
        "loki": (
            "Keeps the logs of all services for 30 days.",
            service(
                LOKI,
                command=["-config.file=/etc/loki/loki.yml"],
                volumes=[mounted("loki/loki.yml", "/etc/loki/loki.yml"), *rules, "loki_data:/loki"],
                healthcheck=healthy("/usr/bin/loki", "-health"),
            ),
        ),
        "alloy": (
            "Reads the containers' output. Whoever can use the engine's socket rules this machine: publish no port.",
            service(
                ALLOY_IMAGE,
                command=["run", "--storage.path=/var/lib/alloy/data", "--disable-reporting", "/etc/alloy/config.alloy"],
                environment={"COMPOSE_PROJECT": "${COMPOSE_PROJECT_NAME}"},
                volumes=[
                    mounted("alloy/config.alloy", "/etc/alloy/config.alloy"),
                    "/var/run/docker.sock:/var/run/docker.sock:ro",
                    "alloy_data:/var/lib/alloy/data",
                ],
                healthcheck=healthy("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/12345"),
                depends_on=after("loki"),
            ),
        ),
    }
