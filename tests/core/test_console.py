"""The console backend: one line per span, metric and error."""

import json

import pytest

import anytel
from core.hostile import VALUES


def lines(capsys):
    assert anytel.flush(10)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_lines(capsys):
    """Elsewhere than on a terminal each span, metric and error is one JSON line."""
    anytel.configure(backends="console", service="shop")
    with anytel.span("work", attributes={"a": 1, "list": [1, 2]}) as span:
        span.fail("quota")
    anytel.count("calls", 3, tags={"endpoint": "x"})
    anytel.distribution("times", 1.5, unit="s")
    anytel.gauge("depth", 2)
    anytel.set("users", "a")
    error_id = anytel.capture_exception(ValueError("bad"))
    found = {line["event"]: line for line in lines(capsys)}
    work = found["span work"]
    assert (work["level"], work["a"], work["list"], work["reason"], work["status"]) == (
        "error", 1, [1, 2], "quota", "error",
    )  # fmt: skip
    assert (work["trace_id"], work["span_id"]) == (span.trace_id, span.span_id)
    assert work["duration_ms"] >= 0
    calls = found["count calls"]
    assert (calls["level"], calls["endpoint"], calls["value"]) == ("info", "x", 3)
    times = found["distribution times"]
    assert (times["count"], times["value"], times["min"], times["max"], times["unit"]) == (1, 1.5, 1.5, 1.5, "s")
    assert (found["gauge depth"]["value"], found["set users"]["value"]) == (2, 1)
    error = found["error ValueError"]
    assert (error["message"], error["handled"], error["error.id"]) == ("bad", True, error_id)


def test_a_gauge_is_shown_when_it_changes(capsys):
    """A gauge that was not written in an interval is not shown again."""
    anytel.configure(backends="console")
    anytel.gauge("depth", 2)
    assert len(lines(capsys)) == 1
    anytel.count("n")
    assert [line["event"] for line in lines(capsys)] == ["count n"]


@pytest.mark.parametrize("name", ["event", "level", "value", "stack", "exception", "exc_info", "status", "trace_id"])
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_attributes_cannot_pretend_to_be_the_lines_own(capsys, name, log_format):
    """An attribute with the name of one of the line's fields loses neither the field nor the line."""
    anytel.configure(backends="console", log_format=log_format)
    anytel.start_span("work", attributes={name: 5}).end()
    anytel.count("calls", tags={name: "mine"})
    anytel.capture_exception(ValueError("bad"), {name: 5})
    anytel.get_logger().info("a line", **({name: 5} if name != "exc_info" else {}))
    assert anytel.flush(10)
    out = capsys.readouterr().out
    for shown in ("span work", "count calls", "error ValueError", "a line"):
        assert shown in out
    assert log_format == "console" or len([json.loads(line) for line in out.split("\n")[:-1]]) == 4


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_hostile_values_lose_no_line(capsys, name, log_format):
    """Any value gives a line, of the backend and of the logger; JSON stays JSON."""
    anytel.configure(backends="console", log_format=log_format)
    anytel.start_span("work", attributes={"bad": VALUES[name]}).end()
    anytel.get_logger().info("a line", bad=VALUES[name], fine=1)
    anytel.get_logger().info(VALUES[name])
    assert anytel.flush(10)
    out = capsys.readouterr().out
    assert "span work" in out
    assert "a line" in out
    if log_format == "json":
        assert len([json.loads(line) for line in out.split("\n")[:-1]]) == 3


def test_the_console_format(capsys):
    """On request lines are for people: no JSON, no ids but the trace's, an exception below its line."""
    anytel.configure(backends="console", log_format="console", service="shop")
    with anytel.span("work", attributes={"a": 1}) as span:
        try:
            raise ValueError("bad")
        except ValueError:
            anytel.get_logger("shop").exception("it failed", order=7)
    assert anytel.flush(10)
    out = capsys.readouterr().out
    first, *rest = out.splitlines()
    assert "it failed" in first
    assert "order=7" in first
    assert rest[0].startswith("Traceback")
    assert any(line == "ValueError: bad" for line in rest)
    assert any("span work" in line and "a=1" in line and "duration_ms=" in line for line in rest)
    assert span.span_id not in out


def test_output_that_cannot_hold_a_character(monkeypatch):
    """Where the output's encoding lacks a character the line is written with an escape for it, not lost."""
    import io
    import sys

    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    anytel.configure(backends="none", log_format="json")
    anytel.get_logger().info("größer", a="→")
    assert json.loads(raw.getvalue())["a"] == "→"


@pytest.mark.parametrize("out", [None, "closed"])
def test_without_an_output(monkeypatch, out):
    """Without standard output, or with a closed one, nothing raises."""
    import io
    import sys

    stream = None
    if out == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    anytel.configure(backends="console", log_format="json")
    anytel.get_logger().info("line")
    anytel.start_span("s").end()
    assert anytel.flush(10)
