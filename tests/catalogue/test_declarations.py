"""Declarations: what they keep, where they were made, and that they cost nothing and hurt nobody."""

from __future__ import annotations

import importlib
import os
from decimal import Decimal
from pathlib import Path

import pytest

import anytel
from anytel.catalogue import Catalogue
from anytel.catalogue.load import load
from anytel.errors import ConfigError


@pytest.fixture
def calls():
    return anytel.Counter("mcp.calls", tags={"outcome": ("ok", "error")}, owner="core")


def line_of(text):
    """Give the number of the line of this file that has *text* in it."""
    with Path(__file__).open() as file:
        return next(number for number, line in enumerate(file, 1) if text in line and "line_of" not in line)


def test_everything_knows_the_line_it_was_declared_at(calls):
    """Metrics, objectives, alerts, views and what they are made of: the user's line, not one of ours."""
    slo = anytel.SLO("a", "0.999", "30d", anytel.Ratio(bad=calls, total=calls))  # the slo's line
    alert = anytel.Alert("B", anytel.Stat(calls) > 1, severity="info")  # the alert's line
    view = anytel.View("C", calls)  # the view's line
    for one, text in ((slo, "# the slo's line"), (alert, "# the alert's line"), (view, "# the view's line")):
        assert (one.place.file, one.place.line) == (__file__, line_of(text))
    assert {part.place for part in slo.sli.walk()} == {slo.place}
    assert alert.condition.place == alert.place
    assert calls.place.line == line_of('anytel.Counter("mcp.calls"')


def test_a_catalogue_has_what_was_declared_in_order(calls):
    """Undeclared names are none of it."""
    anytel.count("used.without.declaration")
    first = anytel.Alert("Z", anytel.Stat(calls) > 1, severity="info")
    second = anytel.Alert("A", anytel.Stat(calls) > 2, severity="info")
    found = Catalogue.declared("shop")
    assert list(found.instruments) == ["mcp.calls"]
    assert found.alerts == (first, second)
    assert (found.app, found.slos, found.views) == ("shop", (), ())


def test_the_same_line_declaring_again_replaces_what_it_declared(calls):
    """A module that is reloaded has its alerts once."""
    for threshold in (1, 2):
        anytel.Alert("Same", anytel.Stat(calls) > threshold, severity="info")
    (found,) = Catalogue.declared().alerts
    assert found.condition.threshold == 2


@pytest.mark.parametrize("given", [0.999, "0.999", Decimal("0.999")])
def test_an_objective_is_what_is_written(calls, given):
    """And not the nearest binary fraction: 1 - 0.999 is 0.001."""
    assert anytel.SLO("a", given, "30d", anytel.Ratio(bad=calls, total=calls)).budget == Decimal("0.001")


def test_declaring_records_nothing_and_never_raises(memory):
    """Also where it makes no sense: that is told when something is generated."""
    anytel.SLO("", "many", "never", None)
    anytel.Alert("x y", None, severity="loud")
    anytel.View("empty")
    anytel.Stat("no.such.metric", "p1000", where={"a": object()})
    assert memory.points == []
    assert anytel.stats().refused == {}


def test_a_chained_comparison_is_refused_as_misuse(calls):
    """``0 < stat < 1`` would silently be its second half."""
    condition = 0 < anytel.Stat(calls) < 1
    assert condition.operator == "<"
    assert anytel.stats().refused == {"condition": 1}


def test_a_part_is_looked_for_within_its_total():
    """What is said of the total need not be said again."""
    calls = anytel.Counter("calls", tags={"endpoint": None, "outcome": ("ok", "error")})
    ratio = anytel.Ratio(
        bad=anytel.Stat(calls, where={"outcome": "error"}),
        total=anytel.Stat(calls, by="endpoint", where={"endpoint": "a*"}),
    )
    assert ratio.part.where == {"endpoint": "a*", "outcome": "error"}
    assert ratio.part.by == ("endpoint",)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Give a function that writes a module, which can then be loaded by its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()

    def write(name, source):
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write


def test_an_application_is_loaded_by_the_name_of_its_module(module):
    """What follows a colon, as in the name that uvicorn takes, is ignored."""
    name = module("shop_telemetry_one", "import anytel\nCALLS = anytel.Counter('mcp.calls')\n")
    found = load(f"{name}:app")
    assert found.app == name
    assert str(found.instruments["mcp.calls"].place) == "shop_telemetry_one.py:2"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import anytel\n1 / 0\n", "importing it fails: ZeroDivisionError: division by zero (*shop_broken.py:2)"),
        ("import no_such_library\n", "it needs 'no_such_library', which is not installed"),
        (
            "import anytel\nanytel.Counter('a')\nanytel.Gauge('a')\n",
            "metric 'a': it is a count already (*shop_broken.py:3)",
        ),
        (
            "import anytel\nA = anytel.Counter('a')\nanytel.Alert('x', 0 < anytel.Stat(A) < 1, severity='info')\n",
            "a condition is neither true nor false",
        ),
        ("import sys\nsys.exit(3)\n", "importing it ends the process, with 3 (*shop_broken.py:2)"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_with_its_line(module, source, told):
    """One line, no traceback."""
    import sys

    name = module("shop_broken", source)
    with pytest.raises(ConfigError) as raised:
        load(name)
    sys.modules.pop(name, None)
    before, _, after = told.partition("*")
    assert before in str(raised.value)
    assert after in str(raised.value)
    assert "\n" not in str(raised.value)


def test_reading_declarations_sends_nothing(module, monkeypatch):
    """Though the module configures telemetry when it is imported."""
    monkeypatch.setenv("TELEMETRY_BACKENDS", "memory")
    load(module("shop_configuring", "import anytel\nanytel.configure(service='shop')\nanytel.Counter('calls').add()\n"))
    assert dict(anytel.stats().backends) == {}
    assert os.environ["TELEMETRY_BACKENDS"] == "memory"


def test_backends_that_a_module_names_itself_are_left_out_too(module, capsys):
    """And what it prints is not part of what a command says."""
    source = "import anytel\nanytel.configure(backends='memory')\nanytel.Counter('calls').add()\nprint('ready')\n"
    load(module("shop_naming", source))
    assert dict(anytel.stats().backends) == {}
    assert capsys.readouterr() == ("", "ready\n")


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        ("shop/telemetry.py", "shop.telemetry."),
        ("./shop.py", "shop."),
        ("", "shop.telemetry."),
        ("..shop", "such as shop."),
    ],
)
def test_what_is_no_name_of_a_module_is_told(given, fix):
    """Such as the path of a file."""
    with pytest.raises(ConfigError, match="that is no name of a module") as raised:
        load(given)
    assert fix in str(raised.value)


def test_a_module_that_is_not_there_is_told():
    """With what to name instead."""
    with pytest.raises(ConfigError, match="there is no module 'no_such_shop'"):
        load("no_such_shop.telemetry")
