"""The commands: as a person types them, in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TELEMETRY = """
import anytel
CALLS = anytel.Counter("mcp.calls", tags={"outcome": ("ok", "error")}, unit="{call}", owner="core")
anytel.SLO("calls", "0.999", "30d", anytel.Ratio(bad=anytel.Stat(CALLS, where={"outcome": "error"}), total=CALLS))
anytel.Alert("Many", anytel.Stat(CALLS) > 100, severity="info", notify="ops")
anytel.View("Calls", CALLS, row="MCP")
"""
ANYTEL = Path(sys.executable).with_name("anytel")


@pytest.fixture
def command(tmp_path):
    """Give a function that runs ``anytel`` where ``shop/telemetry.py`` is, and gives status, output and errors."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "telemetry.py").write_text(TELEMETRY)

    def run(*arguments):
        env = {**os.environ, "PATH": "/nonexistent"}
        done = subprocess.run(
            [ANYTEL, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=50, check=False
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_list_shows_what_is_declared_and_what_each_vendor_calls_it(command):
    """Each with its place."""
    status, shown, _ = command("list", "--app", "shop.telemetry")
    assert status == 0
    assert "mcp.calls" in shown
    assert "mcp_calls_total" in shown
    assert "shop/telemetry.py:3" in shown
    for title in ("metrics", "slos", "alerts", "views"):
        assert title in shown


def test_list_gives_everything_as_data(command):
    """Tags with their values, and the vendors' own words."""
    status, shown, _ = command("list", "--app", "shop.telemetry", "--json")
    found = json.loads(shown)
    assert status == 0
    (metric,) = found["metrics"]
    assert metric["tags"] == {"outcome": ["error", "ok"]}
    assert metric["names"]["prometheus"] == {
        "name": "mcp_calls_total", "type": "counter", "unit": "", "tags": {"outcome": "outcome"},
    }  # fmt: skip
    assert [one["name"] for one in found["slos"]] == ["calls"]
    assert found["alerts"][0]["notify"] == ["ops"]


def test_generate_check_lock_and_diff_follow_one_another(command, tmp_path):
    """From the declarations to checked files, and to a change that is seen."""
    status, shown, _ = command("generate", "prometheus", "--app", "shop.telemetry", "--out", "ops")
    assert (status, shown.splitlines()[-1]) == (0, "8 written, 0 unchanged, 0 removed in ops")
    status, shown, _ = command("generate", "prometheus", "--app", "shop.telemetry", "--out", "ops", "--json")
    assert (status, json.loads(shown)["written"], len(json.loads(shown)["unchanged"])) == (0, [], 8)
    status, shown, _ = command("check", "ops", "--app", "shop.telemetry")
    assert status == 0
    assert "skipped  promtool test rules: promtool is not installed" in shown
    assert command("check", "ops", "--require-tools")[0] == 1
    assert command("lock", "--app", "shop.telemetry")[0] == 0
    assert command("diff", "--app", "shop.telemetry")[0] == 0
    (tmp_path / "shop" / "telemetry.py").write_text(TELEMETRY.replace('"mcp.calls"', '"mcp.requests"'))
    status, shown, _ = command("diff", "--app", "shop.telemetry")
    assert status == 1
    assert "breaking  mcp.calls: is no longer declared" in shown
    assert "anytel lock --app shop.telemetry" in shown
    status, shown, _ = command("check", "ops", "--app", "shop.telemetry", "--json")
    assert status == 1
    assert any("'mcp_calls_total'" in one["detail"] for one in json.loads(shown) if one["outcome"] == "failed")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("generate", "promethues", "--app", "shop.telemetry", "--out", "ops"), "Did you mean 'prometheus'?"),
        (("generate", "all", "--app", "shop.nothing", "--out", "ops"), "there is no module 'shop.nothing'"),
        (("generate", "all", "--app", "shop.telemetry", "--out", "ops", "--scrape", "x"), "it is no HOST:PORT"),
        (("check", "shop"), "there is no YAML or JSON file in it"),
        (("diff", "--app", "shop.telemetry"), "Write it: anytel lock"),
        (("list",), "Missing option '--app'"),
    ],
)
def test_what_cannot_be_run_is_told_without_a_traceback(command, arguments, told):
    """With exit code 2."""
    status, _, errors = command(*arguments)
    assert status == 2
    assert told in errors
    assert "Traceback" not in errors


def test_a_wrong_declaration_is_told_with_its_place_and_nothing_is_written(command, tmp_path):
    """Exit code 2, one line for each problem."""
    with (tmp_path / "shop" / "telemetry.py").open("a") as file:
        file.write('anytel.Alert("Typo", anytel.Stat("mcp.cals") > 1, severity="info")\n')
    status, _, errors = command("generate", "all", "--app", "shop.telemetry", "--out", "ops")
    assert status == 2
    assert (
        "shop/telemetry.py:7: alert 'Typo': there is no declared metric 'mcp.cals'. Did you mean 'mcp.calls'?" in errors
    )
    assert not (tmp_path / "ops").exists()


@pytest.mark.parametrize("verb", ["list", "generate", "check", "lock", "diff"])
def test_help_has_examples(command, verb):
    """Without loading what the verb needs."""
    status, shown, _ = command(verb, "--help")
    assert status == 0
    assert "Examples:" in shown
