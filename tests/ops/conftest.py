"""The vendors' own tools and servers, on what is generated; they are installed by ``tests/real/install.py``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from real.processes import Program


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "go: needs a program that is compiled from Go")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report = yield
    if report.failed:
        logs = ((f"log of {one.name}, {one.log}", one.tail()) for one in Program.alive)
        report.sections += [(title, log) for title, log in logs if log]
    return report
