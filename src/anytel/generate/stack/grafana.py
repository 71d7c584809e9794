"""Grafana: the service that shows the dashboards; what it reads is made by the target ``grafana``."""

from __future__ import annotations

from collections.abc import Mapping

from anytel.generate.stack.images import GRAFANA
from anytel.generate.stack.service import Service, after, healthy, local, mounted, service

__all__ = ["ADMIN_PASSWORD", "services"]

ADMIN_PASSWORD = "grafana_admin_password"  # noqa: S105 -- a secret's name


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
