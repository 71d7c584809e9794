"""A random program of API calls gives the same at the adapter as in memory, up to what is claimed."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import HealthCheck, Phase, given, settings

import anytel
from anytel import runtime
from anytel.testing.conformance.kit import Kit
from anytel.testing.conformance.programs import Program, programs, run

__all__ = ["Programs"]


class Programs(Kit):
    """Random programs."""

    hypothesis: ClassVar[settings] = settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
    """How many programs are run; by default the same ones each time."""

    def test_a_random_program_is_the_same_here_as_in_memory(self) -> None:
        """Whatever is nested in whatever: nothing is lost, doubled or mixed up."""

        @self.hypothesis
        @given(program=programs())
        def is_the_same(program: Program) -> None:
            anytel.shutdown(self.patience)
            runtime.reset()
            self._begin()
            self.start()
            run(program)
            self.agree()

        is_the_same()
