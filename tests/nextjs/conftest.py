"""Folders for programs, and an environment without settings for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

VENDORS = "TELEMETRY_", "SENTRY_", "DD_", "OTEL_", "DATADOG_"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give a function that makes an empty folder for a program."""
    return tmp_path_factory.mktemp


@pytest.fixture(scope="package", autouse=True)
def _without_settings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(VENDORS)]:
            patch.delenv(name)
        yield
