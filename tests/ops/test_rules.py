"""Prometheus' own tools accept what is generated, and its unit tests pass, and fail where a rule is wrong."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path

import pytest

from anytel.catalogue import Catalogue
from anytel.generate import Options, generate
from anytel.generate.writer import write
from generate.shop import Shop

pytestmark = pytest.mark.timeout(300)
SHOP = Path(__file__).parents[1] / "generate" / "shop.py"


@pytest.fixture
def shop_folder(tmp_path):
    """Give what is generated for a shop with everything."""
    Shop().declare()
    files = generate("prometheus", Catalogue.declared("shop.telemetry"), Options(service="shop"))
    write(tmp_path, {"prometheus": files})
    return tmp_path / "prometheus"


def run(*command):
    """Run a tool and give its status; what it says is in the report of a test that fails."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=250, check=False
    )
    print(done.stdout[-4000:])
    return done.returncode


def generated(anytel_command, tmp_path, source):
    """Write *source* as a module, generate from it, and give the folder."""
    (tmp_path / "shop_declared.py").write_text(source)
    anytel_command("generate", "prometheus", "--app", "shop_declared", "--out", "ops", "--service", "shop")
    return tmp_path / "ops"


def test_a_shop_with_everything_is_accepted(anytel_command, tmp_path):
    """Its configuration, each rule and each unit test; nothing is skipped."""
    folder = generated(anytel_command, tmp_path, f"{SHOP.read_text()}\nShop().declare()\n")
    done = anytel_command("check", "ops", "--app", "shop_declared", "--require-tools", "--json")
    findings = json.loads(done.stdout)
    assert {one["outcome"] for one in findings} == {"passed"}
    by_check = {name: [one["file"] for one in findings if one["check"] == name] for name in _names(findings)}
    assert by_check["promtool check config"] == ["prometheus/prometheus.yml"]
    assert len(by_check["promtool check rules"]) == len(list(folder.glob("prometheus/rules/*.yml"))) == 20
    assert len(by_check["promtool test rules"]) == len(list(folder.glob("prometheus/tests/*.yml"))) == 18


def _names(findings):
    return {one["check"] for one in findings}


def test_the_demo_s_declarations_are_accepted(anytel_command):
    """From an instrumented application to a checked folder in two commands."""
    anytel_command("generate", "all", "--app", "anytel.demo.telemetry", "--out", "ops")
    anytel_command("check", "ops", "--app", "anytel.demo.telemetry")


def test_promtool_s_linter_has_nothing_to_say(promtool, shop_folder):
    """With all its rules, and each a failure."""
    assert run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *sorted(shop_folder.glob("rules/*.yml"))) == 0


GRID = """
import anytel
T = anytel.Histogram("t", unit="ms", buckets=(1, 10, 100), tags=("a", "b"))
C = anytel.Counter("c", tags=("a", "b"))
G = anytel.Gauge("g", unit="ms", tags=("a", "b"))
for number, (operator, threshold, by, where, window, for_) in enumerate({cases}):
    more = dict(by=by, where=where, window=window)
    every = [anytel.Stat(C, **more), anytel.Stat(C, "increase", **more), anytel.Stat(T, "avg", **more),
             anytel.Stat(T, "p50", **more), anytel.Stat(T, "p99", **more), anytel.Stat(T, "increase", **more),
             anytel.Stat(G, "sum", **more), anytel.Stat(G, "min", **more)]
    for expression in every:
        condition = getattr(expression, operator)(threshold)
        anytel.Alert(f"A{{number}}.{{every.index(expression)}}", condition, severity="info", for_=for_)
    share = threshold / 100
    part = dict(where | {{"b": "x*"}})
    ratios = [anytel.Ratio(good=anytel.Stat(C, where=part), total=anytel.Stat(C, **more)),
              anytel.Latency(T, le=10, **more)]
    for expression in ratios:
        condition = getattr(expression, operator)(share)
        anytel.Alert(f"S{{number}}.{{ratios.index(expression)}}", condition, severity="info", for_=for_)
"""
CASES = [
    (operator, threshold, by, where, window, for_)
    for operator, threshold in itertools.product(("__gt__", "__ge__", "__lt__", "__le__"), (2, 33.3))
    for by, where, window, for_ in (((), {}, "5m", "0s"), (("a",), {"a": ("y", "z*")}, "1m", "2m"))
]


def test_each_stat_compared_in_each_way_alerts_as_it_should(anytel_command, promtool, tmp_path):
    """160 alerts, each quiet, alerting, over and without a metric."""
    folder = generated(anytel_command, tmp_path, GRID.format(cases=CASES))
    tests = sorted(folder.glob("prometheus/tests/*.yml"))
    assert len(tests) == 161
    assert run(promtool, "test", "rules", *tests) == 0


BROKEN = [
    ("rules/slo-bad.yml", "14.4 * 0.001", "1440 * 0.001"),
    ("rules/slo-bad.yml", "> 6 * 0.001", "> 600 * 0.001"),
    ("rules/slo-bad.yml", "> 500", "> 500000"),
    ("rules/slo-bad.yml", "> 500", "> -1"),
    ("rules/slo-bad.yml", "absent(", "count("),
    ("rules/slo-apart.yml", "mcp_errors_total", "mcp_error_total"),
    ("rules/slo-fast.yml", 'le="0.25"', 'le="0.3"'),
    ("rules/slo-good.yml", "severity: critical", "severity: warning"),
    ("rules/alert-P95.yml", "> 0.5", "> 500"),
    ("rules/alert-Share.yml", "or 0 *", "or 1 *"),
    ("rules/alert-Disk.yml", "for: 5m", "for: 5h"),
    ("rules/targets.yml", "== 0", "== 1"),
]


@pytest.mark.parametrize(("file", "right", "wrong"), BROKEN)
def test_a_rule_that_is_broken_fails_its_unit_test(promtool, shop_folder, file, right, wrong):
    """Else the unit tests would prove nothing."""
    text = (shop_folder / file).read_text()
    assert right in text
    (shop_folder / file).write_text(text.replace(right, wrong))
    tests = [path for path in sorted(shop_folder.glob("tests/*.yml")) if f"../{file}" in path.read_text()]
    assert run(promtool, "test", "rules", *tests) != 0
