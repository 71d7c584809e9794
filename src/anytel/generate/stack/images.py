"""The images, by exact version: those whose configuration the tests have checked against the program itself."""

from __future__ import annotations

__all__ = ["ALERTMANAGER", "ALLOY", "BUCKET", "GRAFANA", "LOKI", "PROMETHEUS", "THANOS"]

PROMETHEUS = "quay.io/prometheus/prometheus:v3.16.0"
ALERTMANAGER = "quay.io/prometheus/alertmanager:v0.34.2"
THANOS = "quay.io/thanos/thanos:v0.42.4"
GRAFANA = "docker.io/grafana/grafana:13.2.1"
LOKI = "docker.io/grafana/loki:3.7.8"
ALLOY = "docker.io/grafana/alloy:v1.21.2"
BUCKET = "docker.io/chrislusf/seaweedfs:4.48"
