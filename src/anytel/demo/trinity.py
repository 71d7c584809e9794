"""The trinity score: truth, goodness and beauty of what the service did so far."""

from __future__ import annotations

from anytel.demo.telemetry import TRINITY_SCORE

__all__ = ["Trinity"]


class Trinity:
    """Keeps the shares of revalidations that were true (the fragment was known), good (they succeeded) and beautiful
    (they took less than 50 ms), and publishes them in percent.
    """  # noqa: D205 -- one sentence of two lines

    QUICK = 0.05
    """Seconds below which an answer is beautiful."""

    def __init__(self) -> None:
        self._total = 0
        self._shares = {"truth": 0, "goodness": 0, "beauty": 0}

    def judge(self, *, known: bool, succeeded: bool, seconds: float) -> None:
        """Take one revalidation into account."""
        self._total += 1
        verdict = {"truth": known, "goodness": succeeded, "beauty": seconds < self.QUICK}
        for pillar, holds in verdict.items():
            self._shares[pillar] += holds
            TRINITY_SCORE.set(round(100 * self._shares[pillar] / self._total, 1), {"pillar": pillar})
