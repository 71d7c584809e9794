"""What tests with programs of others share: the marker for compiled ones, and their logs where a test fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from real.processes import Program

__all__ = ["pytest_configure", "pytest_runtest_makereport"]


def pytest_configure(config: pytest.Config) -> None:
    """Know the marker of what needs Go."""
    config.addinivalue_line("markers", "go: needs a program that is compiled from Go")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Show what the programs have printed."""
    report = yield
    if report.failed:
        logs = ((f"log of {one.name}, {one.log}", one.tail()) for one in Program.alive)
        report.sections += [(title, log) for title, log in logs if log]
    return report
