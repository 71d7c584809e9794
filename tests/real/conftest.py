"""The receivers as fixtures (see ``docs/real-receivers.md``); their logs are in the report of a test that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import anytel
from real.bugsink import Bugsink, bugsink
from real.datadog_agent import DatadogTestAgent, datadog_agent
from real.plugin import pytest_configure, pytest_runtest_makereport  # noqa: F401 -- found by pytest here
from real.processes import Program
from real.spotlight import Spotlight, spotlight
from real.statsd import StatsdExporter, Telegraf, statsd_exporter, telegraf

Configure = Callable[..., None]


@pytest.fixture(autouse=True)
def _fresh_logs() -> None:
    for program in Program.alive:
        program.mark()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give a function that makes an empty folder for a program."""
    return tmp_path_factory.mktemp


@pytest.fixture(scope="session")
def _spotlight(folder) -> Iterator[Spotlight]:
    with spotlight(folder("spotlight")) as running:
        yield running


@pytest.fixture
def sentry(_spotlight) -> Spotlight:
    """Give an empty Spotlight."""
    _spotlight.clear()
    return _spotlight


@pytest.fixture(scope="session")
def issues(folder) -> Iterator[Bugsink]:
    """Give a Bugsink, with what earlier tests have sent to it."""
    with bugsink(folder("bugsink")) as running:
        yield running


@pytest.fixture(scope="session")
def _agent(folder) -> Iterator[DatadogTestAgent]:
    with datadog_agent(folder("test-agent")) as running:
        yield running


@pytest.fixture
def agent(_agent) -> DatadogTestAgent:
    """Give an empty Datadog test agent."""
    _agent.clear()
    return _agent


@pytest.fixture
def exporter(folder) -> Iterator[StatsdExporter]:
    """Give an empty statsd_exporter."""
    with statsd_exporter(folder("statsd-exporter")) as running:
        yield running


@pytest.fixture
def collector(folder) -> Iterator[Telegraf]:
    """Give an empty telegraf."""
    with telegraf(folder("telegraf")) as running:
        yield running


@pytest.fixture
def configured(monkeypatch) -> Configure:
    """Give a function that configures a backend as a user would: by its vendor's own variables, given as keywords."""

    def configure(backend: str, **env: str) -> None:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        anytel.configure(service="shop", version="1.4.0", environment="test", backends=backend, log_format="json")

    return configure


@pytest.fixture
def delivered() -> Callable[[], None]:
    """Give a function that flushes, and fails where anything was not delivered."""

    def flush() -> None:
        assert anytel.flush(15), anytel.stats()

    return flush
