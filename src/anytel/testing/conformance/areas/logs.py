"""Logs: levels, values and exceptions."""

from __future__ import annotations

import pytest

import anytel
from anytel.testing.conformance.kit import Kit

__all__ = ["Logs"]


class Logs(Kit):
    """Logs."""

    @pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
    def test_a_log_event_keeps_its_level(self, level: str) -> None:
        """All five."""
        self.needs("log.level")
        self.start()
        getattr(anytel.get_logger("kit"), level)("leveled")
        self.agree("log.level", "log.message", "log.logger")

    def test_log_events_keep_their_values(self) -> None:
        """Whatever their type."""
        self.needs("log.attributes")
        self.start()
        anytel.get_logger("kit").info("valued", text="☃", whole=3, part=0.5, flag=False, many=["a", "b"], deep={"a": 1})
        self.agree("log.attributes")

    def test_a_log_event_brings_its_exception(self) -> None:
        """With its traceback."""
        self.needs("log.exception")
        self.start()
        try:
            raise ValueError("bad")  # noqa: TRY301 -- raised and caught here on purpose
        except ValueError:
            anytel.get_logger("kit").warning("caught", exc_info=True)
        self.agree("log.exception")
