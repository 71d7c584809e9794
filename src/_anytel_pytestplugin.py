"""The pytest plugin of anytel: the fixture `telemetry`, described in `anytel.testing.Telemetry`.

A module outside the package, so that pytest can load it without importing anytel: what a test run does not use costs
nothing, and coverage sees anytel's own imports.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from anytel.testing import Telemetry

MARKER = (
    "telemetry(backends=(), strict=None, sample_rate=1.0): "
    "how the telemetry fixture captures; see anytel.testing.capture"
)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def telemetry(request: pytest.FixtureRequest) -> Iterator[Telemetry]:
    """All that this test emits: spans, metrics, logs and errors. Nothing reaches a vendor, and nothing is left behind.

    ``@pytest.mark.telemetry(...)`` takes the arguments of `anytel.testing.capture`.
    """
    from anytel.testing.telemetry import capture  # noqa: PLC0415 -- not before it is used

    marker = request.node.get_closest_marker("telemetry")
    given = (marker.args, marker.kwargs) if marker is not None else ((), {})
    with capture(*given[0], **given[1]) as captured:
        yield captured
