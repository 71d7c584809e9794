"""A change and an anomaly alert in Prometheus when, and only when, they should."""

from __future__ import annotations

import subprocess

import pytest
import yaml

import anytel
from anytel.catalogue import Catalogue
from anytel.generate import Options, generate
from anytel.generate.writer import write

pytestmark = pytest.mark.timeout(120)
STEP = 60
HOUR, DAY = 60, 24 * 60
LABELS = '{job="shop",endpoint="a"}'


def series(*phases):
    """Give a counter that grows per minute by so much for so many minutes, in turn."""
    values, value = [], 0
    for each, minutes in phases:
        values.append(f"{value}+{each}x{minutes - 1}")
        value += each * minutes
    return [{"series": f"mcp_calls_total{LABELS}", "values": " ".join(values)}]


def week(growth, last):
    """Give eight days that are alike, but for the *last* minutes of the last one."""
    return series((growth, 8 * DAY), (last, 2 * HOUR))


CASES = [
    ("Spike", series((60, 3 * HOUR), (150, HOUR)), "3h15m", True),
    ("Spike", series((60, 3 * HOUR), (70, HOUR)), "3h15m", False),
    ("Spike", series((60, 3 * HOUR), (30, HOUR)), "3h15m", False),
    ("Spike", series((60, 30)), "20m", False),
    ("Basic", series((60, DAY), (61, DAY), (600, 2 * HOUR)), "48h15m", True),
    ("Basic", series((60, DAY), (62, DAY), (60, 2 * HOUR)), "48h15m", False),
    ("Weekly", week(60, 6), "193h", True),
    ("Weekly", week(60, 60), "193h", False),
    ("Weekly", week(60, 600), "193h", False),
]


@pytest.fixture
def rules(tmp_path):
    calls = anytel.Counter("mcp.calls", tags=("endpoint",))
    anytel.Alert("Spike", anytel.Change(anytel.Stat(calls, by="endpoint"), since="1h") > 0.5, severity="info")
    by = anytel.Stat(calls, by="endpoint")
    anytel.Alert("Basic", anytel.Anomaly(by, direction="above", algorithm="basic"), severity="info", for_="0s")
    weekly = anytel.Anomaly(by, direction="below", seasonality="weekly")
    anytel.Alert("Weekly", weekly, severity="info", message="{endpoint}", for_="0s")
    files = generate("prometheus", Catalogue.declared(), Options(service="shop"))
    assert not [path for path in files if "/tests/alert-" in path]
    write(tmp_path, {"prometheus": files})
    return tmp_path / "prometheus/rules"


@pytest.mark.parametrize(("name", "given", "at", "alerts"), CASES)
def test_it_alerts_where_it_should(promtool, rules, tmp_path, name, given, at, alerts):
    """A spike and a fall by what was there before; nothing while there is no past."""
    labels = {"endpoint": "a", "service": "shop", "severity": "info"}
    expected = [{"exp_labels": labels}] if alerts else []
    case = {
        "interval": "1m",
        "input_series": given,
        "alert_rule_test": [{"eval_time": at, "alertname": name, "exp_alerts": expected}],
    }
    rule = yaml.safe_load((rules / f"alert-{name}.yml").read_text())
    rule["groups"][0]["rules"][0].pop("annotations")  # the value is no part of this
    (tmp_path / "rule.yml").write_text(yaml.safe_dump(rule))
    test = {"rule_files": ["rule.yml"], "evaluation_interval": "5m", "tests": [case]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    done = subprocess.run(
        [promtool, "test", "rules", tmp_path / "test.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
