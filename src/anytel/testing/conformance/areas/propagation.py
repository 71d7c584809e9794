# ruff: noqa: S101 -- a kit of tests asserts
"""Ids and propagation: what comes from upstream, what goes on, and what the log lines say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

import anytel
from anytel.testing.conformance.kit import Kit

__all__ = ["Propagation"]

TRACE, SPAN = 0x0AF7651916CD43DD8448EB211C80319C, 0xF7_AD_6B_71_69_20_33_31
INCOMING: Mapping[str, Mapping[str, str]] = {
    "w3c": {"traceparent": f"00-{TRACE:032x}-{SPAN:016x}-01"},
    "datadog": {
        "x-datadog-trace-id": str(TRACE & 2**64 - 1),
        "x-datadog-parent-id": str(SPAN),
        "x-datadog-sampling-priority": "1",
        "x-datadog-tags": f"_dd.p.tid={TRACE >> 64:016x}",
    },
    "sentry": {"sentry-trace": f"{TRACE:032x}-{SPAN:016x}-1"},
}


class Propagation(Kit):
    """Propagation."""

    @pytest.mark.parametrize("headers", INCOMING)
    def test_a_span_below_another_process_keeps_its_ids(self, headers: str) -> None:
        """All 128 bits of the trace id and all 64 of the parent's, whoever wrote the headers."""
        self.needs("span.id")
        self.start()
        with anytel.span("server", parent=anytel.extract(INCOMING[headers])):
            pass
        (span,) = self.arrived().spans
        assert span.ids[0] == TRACE
        assert span.parent_id in (SPAN, None)
        self.agree("span.parent", "span.id")

    @pytest.mark.parametrize("flag", ["00", "01"])
    def test_the_decision_of_another_process_is_kept(self, flag: str) -> None:
        """What is dropped there is dropped here, and what is kept is kept, whatever our own rate."""
        self.needs("span.id")
        self.start(sample_rate=0.0 if flag == "01" else 1.0)
        with anytel.span("server", parent=anytel.extract({"traceparent": f"00-{TRACE:032x}-{SPAN:016x}-{flag}"})):
            pass
        assert len(self.arrived().spans) == (flag == "01")

    def test_headers_lead_to_the_span_that_wrote_them(self) -> None:
        """Injected here, extracted there: one trace."""
        self.needs("span.parent")
        self.start()
        headers: dict[str, str] = {}
        with anytel.span("client", kind="client"):
            anytel.inject(headers)
        with anytel.span("server", kind="server", parent=anytel.extract(headers)):
            pass
        assert len({span.ids[0] for span in self.arrived().spans}) == 1
        self.agree("span.parent")

    def test_a_log_line_has_the_ids_of_its_span(self) -> None:
        """Of the innermost one; outside of spans it has none of theirs."""
        self.needs("log.trace")
        self.start()
        with anytel.span("outer"), anytel.span("inner"):
            anytel.get_logger("kit").info("inside")
        anytel.get_logger("kit").info("outside")
        self.agree("log.trace", "log.message")

    def test_what_is_bound_is_on_spans_logs_and_errors(self) -> None:
        """One context for all."""
        self.start()
        with anytel.context({"user.id": 7}, request_id="r1"), anytel.span("bound"):
            anytel.get_logger("kit").info("bound")
            anytel.capture_exception(ValueError("bound"))
        self.agree("span.attributes", "log.attributes", "error.attributes")
