"""A random program of API calls gives the same at the adapter as in memory, up to what is claimed."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

import anytel
from anytel import runtime
from anytel.testing.conformance.kit import Kit
from anytel.testing.conformance.programs import Program, programs, run

__all__ = ["Programs"]


class Programs(Kit):
    """Random programs."""

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(program=programs())
    def test_a_random_program_is_the_same_here_as_in_memory(self, program: Program) -> None:
        """Whatever is nested in whatever: nothing is lost, doubled or mixed up."""
        anytel.shutdown(self.patience)
        runtime.reset()
        self._begin()
        self.start()
        run(program)
        self.agree()
