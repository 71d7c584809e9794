"""A service of the project, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

__all__ = ["NETWORK", "Service", "after", "healthy", "local", "mounted", "service"]

Service: TypeAlias = Mapping[str, Any]

NETWORK = "telemetry"


def service(image: str, **more: Any) -> Service:
    """Give a service that is restarted when it fails, reaches the others, and can gain no privileges."""
    return {
        "image": image,
        **{name: value for name, value in more.items() if value},
        "networks": [NETWORK],
        "restart": more.get("restart", "unless-stopped"),
        "security_opt": ["no-new-privileges:true"],
    }


def healthy(*test: str) -> Mapping[str, object]:
    """Give the health check that runs a program of the image."""
    return {"test": ["CMD", *test], "interval": "10s", "timeout": "5s", "retries": 6, "start_period": "30s"}


def after(*names: str, done: Sequence[str] = ()) -> Mapping[str, object]:
    """Give what has to be healthy first, and what has to be *done*."""
    return {
        **{name: {"condition": "service_healthy"} for name in names},
        **{name: {"condition": "service_completed_successfully"} for name in done},
    }


def local(host: int | str, container: int | str) -> str:
    """Publish a port to this machine only."""
    return f"127.0.0.1:{host}:{container}"


def mounted(source: str, target: str) -> str:
    """Mount a file or a folder of the project, which the service cannot change."""
    return f"./{source}:{target}:ro"
