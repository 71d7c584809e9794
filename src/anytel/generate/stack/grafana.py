"""Grafana: where it finds metrics, logs and alerts, and the dashboards in its folder."""

from __future__ import annotations

from collections.abc import Mapping

from anytel.generate.options import Options
from anytel.generate.stack.images import GRAFANA
from anytel.generate.stack.service import Service, after, healthy, local, mounted, service

__all__ = ["ADMIN_PASSWORD", "PROVIDER", "datasources", "services"]

ADMIN_PASSWORD = "grafana_admin_password"  # noqa: S105 -- a secret's name

PROVIDER: Mapping[str, object] = {
    "apiVersion": 1,
    "providers": [
        {
            "name": "anytel",
            "folder": "anytel",
            "type": "file",
            "allowUiUpdates": False,
            "options": {"path": "/var/lib/grafana/dashboards"},
        }
    ],
}


def datasources(options: Options) -> Mapping[str, object]:
    """Give the data sources; metrics are asked of Thanos, which knows old and fresh ones."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                **_source("prometheus", "Metrics", "prometheus", "http://thanos-query:10902"),
                "isDefault": True,
                "jsonData": {
                    "prometheusType": "Thanos",
                    "httpMethod": "POST",
                    "timeInterval": options.scrape_interval,
                },
            },
            _source("loki", "Logs", "loki", "http://loki:3100"),
            {
                **_source("alertmanager", "Alerts", "alertmanager", "http://alertmanager:9093"),
                "jsonData": {"implementation": "prometheus"},
            },
        ],
    }


def _source(uid: str, name: str, kind: str, url: str) -> Mapping[str, object]:
    return {"name": name, "uid": uid, "type": kind, "access": "proxy", "url": url, "editable": False}


def services() -> Mapping[str, tuple[str, Service]]:
    """Give the service by its name, with the comment that belongs above it."""
    return {
        "grafana": (
            "Dashboards, at http://localhost:3000. Whatever lies in grafana/dashboards is shown.",
            service(
                GRAFANA,
                environment={
                    "GF_SECURITY_ADMIN_PASSWORD__FILE": f"/run/secrets/{ADMIN_PASSWORD}",
                    "GF_ANALYTICS_REPORTING_ENABLED": "false",
                    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
                },
                secrets=[ADMIN_PASSWORD],
                volumes=[
                    mounted("grafana/provisioning", "/etc/grafana/provisioning"),
                    mounted("grafana/dashboards", "/var/lib/grafana/dashboards"),
                    "grafana_data:/var/lib/grafana",
                ],
                ports=[local(3000, 3000)],
                healthcheck=healthy("wget", "-q", "-O", "/dev/null", "http://127.0.0.1:3000/api/health"),
                depends_on=after("thanos-query", "loki"),
            ),
        )
    }
