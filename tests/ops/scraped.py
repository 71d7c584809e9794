"""The demo service under traffic, and a Prometheus that scrapes it by what was generated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anytel
from anytel.backend import Host, MetricBatch, Point
from anytel.catalogue import Catalogue
from anytel.demo.app import SERVICE, create_app, secret
from anytel.demo.server import Server
from anytel.demo.traffic import drive, plan
from anytel.generate import Options, generate
from anytel_prometheus.backend import PrometheusBackend
from ops.servers import prometheus, write
from real.web import get_json

__all__ = ["World", "answer", "api", "labels", "milliseconds", "scraped"]

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class World:
    """A Prometheus at *url* that has scraped the demo at the times *scrapes*, in milliseconds.

    *batches* are the totals in memory that each scrape was rendered from, *instance* the labels of the one target, and
    *folder* has what was generated for it.
    """

    url: str
    folder: Path
    catalogue: Catalogue
    scrapes: Sequence[tuple[int, float]]
    batches: Sequence[Sequence[Point]]
    instance: Labels


class Remembering:
    """A host of a backend that keeps what it gives for each scrape."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.batches: list[list[Point]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def collect(self) -> MetricBatch:
        """Give the totals as of now, and keep them."""
        batch = self._host.collect()
        self.batches.append(list(batch.points))
        return batch


class Scraped(PrometheusBackend):
    """The backend of Prometheus, with the totals in memory that its expositions were rendered from."""

    remembered: Remembering

    def open(self, host: Host, /) -> None:
        """Publish the metrics of a host that is remembered."""
        self.remembered = Remembering(host)
        super().open(self.remembered)  # type: ignore[arg-type]  # the rest of it is the host's


@contextmanager
def scraped(version: str, folder: Path, catalogue: Catalogue, number: int) -> Iterator[World]:
    """Run the demo until it was scraped that *number* of times, once a second; Prometheus lasts until the end."""
    backend = Scraped("127.0.0.1", 0)
    anytel.configure(service=SERVICE, backends=[backend], log_format="json", log_level="error", capture_stdlib=False)
    address = str(backend.url).removeprefix("http://").partition("/")[0]
    quick = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    options = Options(service=SERVICE, scrape=(address,), alertmanagers=(), **quick)  # type: ignore[arg-type]
    for target in ("prometheus", "grafana"):
        write(folder, generate(target, catalogue, options))
    with ExitStack() as lasting, ExitStack() as briefly:
        briefly.callback(anytel.shutdown, 5)
        url = briefly.enter_context(Server(create_app())).url
        traffic = plan(30, 0.7, 7, secret())
        drive(url, traffic, lambda _: None)
        config = folder / "prometheus/prometheus.yml"
        running = lasting.enter_context(prometheus(version, config, folder / "samples"))
        up = f'up{{job="{SERVICE}"}}'
        while len(done := _scrapes(running.url, up)) < number:
            drive(url, traffic, lambda _: None)
        instance = labels(api(running.url, up)[0]["metric"])
        briefly.close()
        yield World(running.url, folder, catalogue, done, backend.remembered.batches, instance)


def api(url: str, query: str, time: int = 0) -> list[dict[str, Any]]:
    """Give the answer of a Prometheus to an instant query, as of now or of a *time* in milliseconds."""
    return answer(url, "query", {"query": query} | ({"time": f"{time / 1000:.3f}"} if time else {}))


def answer(url: str, path: str, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give the answer of a Prometheus."""
    found: list[dict[str, Any]] = get_json(f"{url}/api/v1/{path}", dict(parameters))["data"]["result"]
    return found


def milliseconds(pairs: Sequence[tuple[float, str]]) -> list[tuple[int, float]]:
    """Give values by time."""
    return [(round(float(time) * 1000), float(value)) for time, value in pairs]


def labels(metric: Mapping[str, str]) -> Labels:
    """Give the labels without the name."""
    return frozenset((name, value) for name, value in metric.items() if name != "__name__")


def _scrapes(url: str, up: str) -> list[tuple[int, float]]:
    """Give the times of the scrapes so far."""
    found = api(url, f"{up}[10m]")
    return milliseconds(found[0]["values"]) if found else []
