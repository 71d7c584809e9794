"""amtool accepts what is generated, and says of each declared alert whom it reaches."""

from __future__ import annotations

import subprocess

import pytest
import yaml

import anytel
from anytel.catalogue import Catalogue
from anytel.generate import Options, generate
from ops.declared import SERVICE, catalogue
from ops.servers import VERSIONS, edited, tool, write

SOURCES = ["debian", pytest.param("go", marks=pytest.mark.go)]


@pytest.fixture(params=SOURCES)
def amtool(request):
    return tool(VERSIONS[request.param][1], "amtool")


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path, generate("alertmanager", catalogue(), Options(service=SERVICE))) / "alertmanager"


def reached(amtool, folder, test):
    """Whether amtool agrees with a test of the routes."""
    labels = [f"{name}={value}" for name, value in test["labels"].items()]
    verify = f"--verify.receivers={','.join(test['receivers'])}"
    command = amtool, "config", "routes", "test", f"--config.file={folder / 'alertmanager.yml'}", verify, *labels
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode == 0


def test_each_alert_reaches_whom_the_declarations_say(amtool, folder):
    """As amtool finds it in the tree of routes."""
    tests = yaml.safe_load((folder / "tests/routes.yml").read_text())

    assert {one["labels"]["alertname"] for one in tests} >= {"ErrorBudgetBurn", "SkillsAreRunAgain", "TargetDown"}
    assert [one for one in tests if not reached(amtool, folder, one)] == []


def test_a_route_that_is_broken_fails_its_test(amtool, folder):
    """Else the tests would prove nothing."""
    tests = yaml.safe_load((folder / "tests/routes.yml").read_text())
    with edited(folder / "alertmanager.yml") as config:
        for route in config["route"]["routes"]:
            route.pop("continue", None)

    wrong = [one for one in tests if not reached(amtool, folder, one)]
    assert {one["labels"]["alertname"] for one in wrong} == {"SkillsAreRunAgain"}


def test_every_way_to_tell_and_every_time_is_accepted(amtool, tmp_path):
    """All that can be declared."""
    hook = {"webhook": "https://hook.example/x", "webhook_token": True}
    receivers = (
        anytel.Receiver("every.way", slack="#a", pagerduty=True, email=("a@b", "c@d"), default=True, **hook),
        anytel.Receiver("some", email="a@b", owners=("x", "y"), severities=("info", "critical"), repeat="30m"),
    )
    mutes = (
        anytel.Mute("nights", times="22:00-06:30", days="friday:monday", timezone="Asia/Seoul", owners="x"),
        anytel.Mute("holidays", dates=("24:26", "-1"), months=("december", "november:january")),
        anytel.Mute("lunch", times=("12:00-13:00", "00:00-24:00"), severities=("critical", "warning", "info")),
    )
    made = generate("alertmanager", Catalogue(receivers=receivers, mutes=mutes), Options(smtp_username="me"))
    config = write(tmp_path, made) / "alertmanager/alertmanager.yml"

    done = subprocess.run([amtool, "check-config", config], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
