"""``compose.yaml``: the project. Its secrets are in the environment of whoever starts it, and in no file."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from anytel.catalogue.catalogue import Catalogue
from anytel.generate import loki
from anytel.generate.alertmanager.config import secrets as receivers_secrets
from anytel.generate.options import Options
from anytel.generate.stack import grafana, logs, thanos
from anytel.generate.stack.images import ALERTMANAGER, PROMETHEUS
from anytel.generate.stack.service import NETWORK, Service, after, healthy, local, mounted, service
from anytel.generate.text import notice, yaml_text

__all__ = ["APP", "METRICS_PORT", "environment", "project", "text"]

APP = "app"
METRICS_PORT = 9464
_WIDTH = 116


def text(catalogue: Catalogue, options: Options) -> str:
    """Give the file, with a comment above each service."""
    head = (
        notice(catalogue.app, "stack")
        + "# Copy .env.example to .env, fill it in, then: docker compose up --wait\n"
        + "# Ports are open to this machine only.\n"
    )
    parts = project(catalogue, options)
    written = [yaml_text({"name": parts["name"]}, head), "services:\n"]
    written += [
        textwrap.indent(yaml_text({name: one}, _comment(said)), "  ")
        for name, (said, one) in _services(catalogue, options).items()
    ]
    rest = {name: parts[name] for name in ("networks", "volumes", "secrets")}
    return "\n".join([*written, yaml_text(rest)])


def project(catalogue: Catalogue, options: Options) -> Mapping[str, Any]:
    """Give the project as data."""
    services = {name: one for name, (_, one) in _services(catalogue, options).items()}
    volumes = [volume.partition(":")[0] for one in services.values() for volume in one.get("volumes", [])]
    return {
        "name": "".join(letter if letter.isalnum() else "-" for letter in options.service.lower()).strip("-") or APP,
        "services": services,
        "networks": {NETWORK: {}},
        "volumes": {name: {} for name in sorted(set(volumes)) if name[0] not in "./"},
        "secrets": {name: {"environment": name.upper()} for name in _secrets(catalogue, options)},
    }


def environment(catalogue: Catalogue, options: Options) -> str:
    """Give the names of what has to be in the environment, without values."""
    wanted = {
        "APP_IMAGE": f"The image of the service, such as {options.service}:1.4.0.",
        "APP_PORT": "The port it serves at; by default 8000.",
        "S3_ACCESS_KEY": "Of the bucket; of the bundled one, choose it.",
        "S3_SECRET_KEY": "",
        **{name.upper(): "" for name in _secrets(catalogue, options)},
    }
    lines = [f"{f'# {said}' + chr(10) if said else ''}{name}=\n" for name, said in wanted.items()]
    return "# Copy this to .env, or have your secret store set these. Keep .env out of the repository.\n" + "".join(
        lines
    )


def _secrets(catalogue: Catalogue, options: Options) -> list[str]:
    return [*receivers_secrets(catalogue, options), grafana.ADMIN_PASSWORD]


def _services(catalogue: Catalogue, options: Options) -> Mapping[str, tuple[str, Service]]:
    return {
        APP: ("The service. It serves its metrics at a port of their own.", _app(options)),
        "prometheus": (
            "Scrapes, records and alerts. Its blocks stay at 2h: only the compactor of Thanos may merge them.",
            _prometheus(options),
        ),
        "alertmanager": ("Tells people.", _alertmanager(catalogue, options)),
        **thanos.services(options),
        **logs.services(alerts=bool(loki.rules(catalogue, options.service))),
        **grafana.services(),
    }


def _app(options: Options) -> Service:
    ask = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{METRICS_PORT}{options.metrics_path}')"
    return service(
        "${APP_IMAGE:?}",
        environment={
            "TELEMETRY_BACKENDS": "${TELEMETRY_BACKENDS:-prometheus}",
            "TELEMETRY_SERVICE": options.service,
            "TELEMETRY_LOG_FORMAT": "json",
            "OTEL_EXPORTER_PROMETHEUS_HOST": "0.0.0.0",  # noqa: S104 -- inside of the project's network
            "OTEL_EXPORTER_PROMETHEUS_PORT": str(METRICS_PORT),
        },
        ports=[local("${APP_PORT:-8000}", "${APP_PORT:-8000}")],
        healthcheck=healthy("python", "-c", ask),
    )


def _prometheus(options: Options) -> Service:
    return service(
        PROMETHEUS,
        user=thanos.PROMETHEUS_USER,
        command=[
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={options.retention}",
            "--storage.tsdb.min-block-duration=2h",
            "--storage.tsdb.max-block-duration=2h",
            "--enable-feature=exemplar-storage",
        ],
        volumes=[mounted("prometheus", "/etc/prometheus"), "prometheus_data:/prometheus"],
        ports=[local(9090, 9090)],
        healthcheck=healthy("wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9090/-/ready"),
        depends_on=after("alertmanager", done=["prepare"]),
    )


def _alertmanager(catalogue: Catalogue, options: Options) -> Service:
    return service(
        ALERTMANAGER,
        command=[
            "--config.file=/etc/alertmanager/alertmanager.yml",
            "--storage.path=/alertmanager",
            "--cluster.listen-address=",
        ],
        volumes=[mounted("alertmanager", "/etc/alertmanager"), "alertmanager_data:/alertmanager"],
        secrets=receivers_secrets(catalogue, options),
        ports=[local(9093, 9093)],
        healthcheck=healthy("wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9093/-/ready"),
    )


def _comment(said: str) -> str:
    return "".join(f"# {line}\n" for given in said.split("\n") for line in textwrap.wrap(given, _WIDTH))
