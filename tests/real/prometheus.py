"""A Prometheus server, scraping one address, and promtool beside it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from real.install import Tool
from real.processes import free_ports, need, running
from real.web import await_value, get, get_json

__all__ = ["Prometheus", "lint", "prometheus"]

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus server at *url*."""

    url: str

    def query(self, expression: str) -> dict[Labels, float]:
        """Give an expression's values now by their labels, without the name and those that tell the target."""
        data = self._api("query", query=expression)
        return {_labels(found["metric"]): float(found["value"][1]) for found in data["result"]}

    def exemplars(self, selector: str) -> list[dict[str, Any]]:
        """Give the exemplars of the last hour: ``labels``, ``value``, ``timestamp`` and the ``series`` labels."""
        now = time.time()
        data = self._api("query_exemplars", query=selector, start=f"{now - 3600}", end=f"{now + 60}")
        return [
            {**one, "value": float(one["value"]), "series": found["seriesLabels"]}
            for found in data
            for one in found["exemplars"]
        ]

    def metadata(self) -> dict[str, dict[str, str]]:
        """Give type, help and unit of each family."""
        return {name: found[0] for name, found in self._api("metadata").items()}

    def target(self) -> dict[str, Any]:
        """Give the state of the one target, after its first scrape."""
        (found,) = await_value(
            lambda: self._api("targets", state="active")["activeTargets"],
            lambda targets: len(targets) == 1 and targets[0]["health"] != "unknown",
        )
        target: dict[str, Any] = found
        return target

    def version(self) -> str:
        """Give the server's own version; empty where its build did not set one."""
        version: str = self._api("status/buildinfo")["version"]
        return version

    def _api(self, path: str, **parameters: str) -> Any:
        answer = get_json(f"{self.url}/api/v1/{path}", parameters)
        assert answer["status"] == "success", answer
        assert not answer.get("warnings"), answer
        return answer["data"]


def _labels(metric: dict[str, str]) -> Labels:
    return frozenset((name, value) for name, value in metric.items() if name not in ("__name__", "job", "instance"))


def _program(tool: Tool, name: str) -> Path:
    return tool.path.with_name(name)


@contextmanager
def prometheus(version: str, address: str, folder: Path) -> Iterator[Prometheus]:
    """Run Prometheus in that *version*, scraping *address* five times a second."""
    tool = need(f"prometheus-{version}")
    target = urlsplit(address)
    job = {
        "job_name": "shop",
        "metrics_path": target.path or "/metrics",
        "static_configs": [{"targets": [target.netloc]}],
    }
    config = {"global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"}, "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    flags = (
        "--config.file=prometheus.yml",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
    )
    with running([tool.path, *flags], folder, lambda: get(f"{url}/-/ready")):
        yield Prometheus(url)


def lint(version: str, exposition: bytes) -> tuple[int, str]:
    """Give the status and the output of ``promtool check metrics`` for an exposition in the text format."""
    command = _program(need(f"prometheus-{version}"), "promtool"), "check", "metrics"
    done = subprocess.run(
        command, input=exposition, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=False
    )
    return done.returncode, done.stdout.decode()
