# ruff: noqa: S101 -- a kit of tests asserts
"""Errors: one report of one exception, whoever sees it, with all that it comes from."""

from __future__ import annotations

from contextlib import suppress

import anytel
from anytel.testing.conformance.kit import Kit

__all__ = ["Errors"]


class Errors(Kit):
    """Errors."""

    def test_an_exception_is_reported_once(self) -> None:
        """Though three spans, the log and the application see it."""
        self.needs("error")
        self.needs("error.id")
        self.start()
        with suppress(ValueError), anytel.span("outer"), anytel.span("middle"):
            try:
                with anytel.span("inner"):
                    raise ValueError("once")  # noqa: TRY301 -- raised and caught here on purpose
            except ValueError:
                anytel.get_logger("kit").exception("seen")
                anytel.capture_exception()
                raise
        assert len(self.arrived().errors) == 1
        self.agree("error.id", "error.trace", "error.exception")

    def test_causes_are_in_the_report(self) -> None:
        """Those it was raised from, and those it was raised during; of a cause there is no report of its own."""
        self.needs("error.chain")
        self.start()
        with suppress(RuntimeError), anytel.span("chained"):
            try:
                try:
                    int("x")
                except ValueError as first:
                    raise KeyError("second") from first
            except KeyError:
                raise RuntimeError("third")  # noqa: B904 -- raised during the other
        assert len(self.arrived().errors) == 1
        self.agree("error.chain", "error.exception")

    def test_the_members_of_a_group_are_in_the_report(self) -> None:
        """And groups within groups."""
        self.needs("error.group")
        self.start()
        with suppress(ExceptionGroup), anytel.span("grouped"):
            inner = ExceptionGroup("inner", [TypeError("b"), KeyError("c")])
            raise ExceptionGroup("outer", [ValueError("a"), inner])
        assert len(self.arrived().errors) == 1
        self.agree("error.group")

    def test_an_error_outside_of_spans_is_reported(self) -> None:
        """With what was given, and as handled or not."""
        self.needs("error.handled")
        self.start()
        anytel.capture_exception(ValueError("alone"), {"order": 5}, handled=False)
        self.agree("error.handled", "error.attributes", "error.trace", "error.exception")

    def test_equal_exceptions_are_two_reports(self) -> None:
        """Once is per exception, not per message."""
        self.needs("error.id")
        self.start()
        for _ in range(2):
            anytel.capture_exception(ValueError("again"))
        assert len(self.arrived().errors) == 2
        self.agree("error.id")
