"""The console backend on the kit: the JSON lines that it and the loggers write to standard output."""

import json
import sys

import pytest

from anytel.backends.console import ConsoleBackend
from anytel.testing.conformance import (
    BackendConformance,
    Measured,
    Observed,
    ObservedError,
    ObservedLog,
    ObservedSpan,
    Raised,
    functions_in,
)

METRICS = ("count", "gauge", "distribution", "histogram", "set")


class TestConsole(BackendConformance):
    """It writes JSON where standard output is no terminal."""

    @pytest.fixture
    def wire(self, tmp_path, monkeypatch):
        self.path, self.monkeypatch = tmp_path / "out", monkeypatch
        with self.path.open("a", encoding="utf-8") as self.stdout:
            yield

    def make(self):
        self.stdout.truncate(0)
        return ConsoleBackend()

    def start(self, *siblings, **settings):
        self.monkeypatch.setattr(sys, "stdout", self.stdout)  # here, since pytest sets it anew for the test itself
        super().start(*siblings, **settings)

    def read(self):
        out = self.path.read_text(encoding="utf-8")
        lines = [json.loads(line) for line in out.split("\n") if line]
        marked = [(*line["event"].partition(" ")[::2], line) for line in lines if "logger" not in line]
        return Observed(
            metrics=[metric(kind, name, line) for kind, name, line in marked if kind in METRICS],
            spans=[span(name, line) for kind, name, line in marked if kind == "span"],
            logs=[log(line) for line in lines if "logger" in line],
            errors=[error(name, line) for kind, name, line in marked if kind == "error"],
            raw=out.encode(),
        )


def metric(kind, name, line):
    own = ("level", "event", "value", "count", "min", "max", "unit")
    tags = {tag: value for tag, value in line.items() if tag not in own}
    many = {"count": line.get("count"), "low": line.get("min"), "high": line.get("max")}
    return Measured(name=name, kind=kind, tags=tags, value=line["value"], unit=line.get("unit", ""), **many)


def span(name, line):
    ids = int(line["trace_id"], 16), int(line["span_id"], 16)
    reason = line.get("reason", "")
    return ObservedSpan(ids=ids, name=name, status=line["status"], status_message=reason, attributes=line)


def log(line):
    functions = functions_in(line.get("exception.stacktrace", ""))
    return ObservedLog(
        message=line["event"],
        level=line["level"],
        logger=line["logger"],
        attributes=line,
        ids=(int(line["trace_id"], 16), int(line["span_id"], 16)) if "trace_id" in line else None,
        exception=raised(line["exception.type"], line["exception.message"], functions) if functions else None,
    )


def error(kind, line):
    ids = (int(line["trace_id"], 16), 0) if "trace_id" in line else None
    exception = raised(kind, line["message"], None) if kind != line["message"] else None
    return ObservedError(
        id=line["error.id"],
        exception=exception,
        message=line["message"],
        handled=line["handled"],
        attributes=line,
        ids=ids,
    )


def raised(kind, message, functions):
    return Raised(type=kind, message=message, functions=functions)
