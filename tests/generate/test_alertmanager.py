"""Who is told of what, by which way, and when not; and what is refused, with its place and the fix."""

from __future__ import annotations

import re

import pytest
import yaml

import anytel
from anytel.catalogue import Catalogue
from anytel.errors import DeclarationError
from anytel.generate import Options, generate
from anytel.generate.checking import check
from anytel.generate.writer import write

OPTIONS = Options(service="shop")


def config(options=OPTIONS):
    """Give what is generated of everything that was declared."""
    files = generate("alertmanager", Catalogue.declared("shop"), options)
    return yaml.safe_load(files["alertmanager/alertmanager.yml"])


def expected():
    """Give the tests of the routes: receivers and mutes by alert and severity."""
    files = generate("alertmanager", Catalogue.declared("shop"), OPTIONS)
    tests = yaml.safe_load(files["alertmanager/tests/routes.yml"])
    return {
        (one["labels"]["alertname"], one["labels"]["severity"]): (one["receivers"], one.get("muted_by", []))
        for one in tests
    }


def alert(name, **more):
    gauge = anytel.Gauge("queue.depth", owner="core")
    more = {"severity": "warning", **more}
    return anytel.Alert(name, anytel.Stat(gauge, "sum") > 5, **more)


def told(text, fix):
    """Fail where generating does not say *text* of a line of this file, and the *fix*."""
    with pytest.raises(DeclarationError) as caught:
        config()
    found = [one for one in caught.value.problems if text in one]
    assert found, caught.value.problems
    assert re.match(r"\S*test_alertmanager\.py:\d+: ", found[0])
    assert fix in found[0]


def test_an_alert_goes_to_whom_it_names_then_to_its_owners_then_to_the_default():
    """What nobody takes is only shown."""
    anytel.Receiver("team", slack="#team", default=True)
    anytel.Receiver("core", email="core@example.com", owners="core", severities="critical")
    anytel.Receiver("boss", pagerduty=True)
    alert("Named", notify=("boss", "team"), severity="info")
    alert("Owned", severity="critical")
    alert("Others")
    alert("Shown", severity="info")

    found = expected()
    assert found["Named", "info"] == (["team", "boss"], [])
    assert found["Owned", "critical"] == (["core"], [])
    assert found["Others", "warning"] == (["team"], [])
    assert found["Shown", "info"] == (["nobody"], [])
    assert found["TargetDown", "critical"] == (["team"], [])


def test_an_objective_is_told_of_by_its_severities():
    """A metric that is missing is told of as a warning."""
    anytel.Receiver("team", slack="#team")
    calls = anytel.Counter("calls", tags=("outcome",))
    bad = anytel.Stat(calls, where={"outcome": "error"})
    anytel.SLO("good", "0.99", "30d", anytel.Ratio(total=calls, bad=bad), notify="team")

    found = expected()
    assert found["ErrorBudgetBurn", "critical"] == found["SLOMetricAbsent", "warning"] == (["team"], [])


def test_each_severity_has_its_own_times():
    """A critical alert is told of at once and again after four hours; intervals are multiples of the group's."""
    anytel.Receiver("team", slack="#team")
    anytel.Receiver("boss", pagerduty=True, owners="core", default=True, repeat="1h")
    alert("Owned")

    routes = config()["route"]["routes"]
    times = {(one["receiver"], one["matchers"][-1]): (one["group_wait"], one["repeat_interval"]) for one in routes}
    assert times["boss", 'severity="critical"'] == ("10s", "1h")
    assert times["nobody", 'severity="info"'] == ("1m", "24h")


def test_secrets_are_only_named():
    """By the files that hold them, below one folder."""
    anytel.Receiver(
        "on.call", slack="#a", webhook="https://hook.example/x", webhook_token=True, pagerduty=True, email="a@b"
    )

    made = config(Options(secrets="/secrets", smtp="mail:587", smtp_username="anytel"))
    (_, receiver) = made["receivers"]
    assert receiver["slack_configs"][0]["api_url_file"] == "/secrets/on_call_slack_url"
    assert receiver["pagerduty_configs"][0]["routing_key_file"] == "/secrets/on_call_pagerduty_key"
    authorization = receiver["webhook_configs"][0]["http_config"]["authorization"]
    assert authorization == {"credentials_file": "/secrets/on_call_webhook_token"}
    assert made["global"]["smtp_auth_password_file"] == "/secrets/smtp_password"
    assert made["global"]["smtp_require_tls"] is True
    assert all(one[0]["send_resolved"] for name, one in receiver.items() if name != "name")


def test_an_inhibition_stays_within_a_service_and_a_cluster():
    """And one target that is down says nothing of others."""
    anytel.Receiver("team", slack="#team")

    for rule in config()["inhibit_rules"]:
        assert {"service", "cluster"} <= set(rule["equal"])
        assert not {"source_match", "target_match"} & rule.keys()
    down = next(one for one in config()["inhibit_rules"] if one["source_matchers"] == ['alertname="TargetDown"'])
    assert "instance" in down["equal"]
    assert 'instance=~".+"' in down["target_matchers"]
    critical = next(one for one in config()["inhibit_rules"] if 'severity="critical"' in one["source_matchers"])
    assert 'alertname!~"TargetDown|TargetsAbsent"' in critical["source_matchers"]
    assert "owner" in critical["equal"]


def interval(**more):
    anytel.Receiver("team", slack="#team")
    anytel.Mute("quiet", **more)
    (found,) = config()["time_intervals"]
    return found["time_intervals"]


def test_a_night_ends_on_the_next_day():
    """Alertmanager's days end at midnight: so Friday's night is also Saturday's morning."""
    assert interval(days="friday", times="22:00-06:00", timezone="Europe/Berlin") == [
        {"times": [{"start_time": "22:00", "end_time": "24:00"}], "weekdays": ["friday"], "location": "Europe/Berlin"},
        {
            "times": [{"start_time": "00:00", "end_time": "06:00"}],
            "weekdays": ["saturday"],
            "location": "Europe/Berlin",
        },
    ]


def test_a_range_may_go_over_the_end_of_the_week_and_of_the_year():
    """Alertmanager refuses ``saturday:sunday``, as its week begins on Sunday."""
    (found,) = interval(days="saturday:monday", months="december:january", dates="-3:-1")

    assert found == {
        "weekdays": ["sunday", "monday", "saturday"],
        "days_of_month": ["-3:-1"],
        "months": ["january", "december"],
        "location": "UTC",
    }


def test_a_mute_holds_for_its_owners_and_severities():
    """Never for a critical alert that it does not name."""
    anytel.Receiver("team", slack="#team")
    anytel.Mute("weekend", days="saturday:sunday")
    anytel.Mute("release", times="10:00-11:00", owners="core", severities=("critical", "warning"))
    alert("Slow")
    alert("Down", severity="critical")
    alert("Other", owner="search")

    found = expected()
    assert found["Slow", "warning"][1] == ["weekend", "release"]
    assert found["Down", "critical"][1] == ["release"]
    assert found["Other", "warning"][1] == ["weekend"]
    assert "mute_time_intervals" not in config()["route"]


def test_without_a_receiver_alerts_are_shown_and_nobody_is_told(tmp_path, monkeypatch):
    """The file says so, and so does the check; the names in ``notify=`` are somebody's elsewhere."""
    monkeypatch.setenv("PATH", "/nonexistent")
    alert("Slow", notify="slack-shop")
    files = generate("alertmanager", Catalogue.declared("shop"), OPTIONS)
    write(tmp_path, {"alertmanager": files})

    assert "nobody is told: anytel.Receiver(" in files["alertmanager/alertmanager.yml"]
    assert expected()["Slow", "warning"] == (["nobody"], [])
    noted = [one.detail for one in check(tmp_path) if one.outcome == "noted"]
    assert noted == ["nobody is told of anything: no receiver has a way"]


def test_a_receiver_that_is_not_declared_is_refused():
    """With the nearest one."""
    anytel.Receiver("oncall", slack="#a")
    alert("Slow", notify="oncal")
    told("there is no receiver 'oncal'", "Did you mean 'oncall'?")


RECEIVERS = [
    ({}, "no way to tell it", "Give slack="),
    ({"slack": "https://hooks.slack.com/services/T0/B0/xyz"}, "is no channel", "is a secret"),
    ({"email": "nobody"}, "'nobody' is no e-mail address", "oncall@example.com"),
    ({"webhook": "hook.example"}, "is no address", "https://"),
    ({"webhook": "https://u:p@hook.example"}, "holds a secret", "webhook_token=True"),
    ({"webhook": "https://hook.example/?token=x"}, "holds a secret", "webhook_token=True"),
    ({"slack": "#a", "webhook_token": True}, "a token without a webhook", "webhook="),
    ({"slack": "#a", "repeat": "soon"}, "repeat", "m, h, d"),
    ({"slack": "#a", "repeat": "7m"}, "no multiple of the 5m", "4h"),
    ({"slack": "#a", "repeat": "7d"}, "longer than it is remembered", "at most 4d"),
    ({"slack": "#a", "severities": "urgent"}, "there is no severity 'urgent'", "critical, warning, info"),
    ({"slack": "#a", "severities": ()}, "it has no severities", "critical"),
]


@pytest.mark.parametrize(("given", "text", "fix"), RECEIVERS)
def test_a_receiver_that_cannot_be_told_is_refused(given, text, fix):
    anytel.Receiver("oncall", **given)
    told(text, fix)


def test_one_receiver_is_the_default():
    """None would leave alerts to nobody, and two would both be it."""
    anytel.Receiver("a", slack="#a")
    anytel.Receiver("b", slack="#b")
    told("none is the default", "default=True")
    anytel.Receiver("c", slack="#c", default=True)
    anytel.Receiver("d", slack="#d", default=True)
    told("the default receiver is 'c'", "Leave default= out")


MUTES = [
    ({}, "it would last for ever", "days="),
    ({"days": "funday"}, "'funday' is no day", "monday:friday"),
    ({"months": "2"}, "'2' is no month", "december"),
    ({"dates": "32"}, "'32' is no day of the month", "1 to 31"),
    ({"dates": "5:2"}, "'5:2' is no day of the month", "1 to 31"),
    ({"times": "22-6"}, "'22-6' is no time of the day", "22:00-06:00"),
    ({"times": "25:00-26:00"}, "is no time of the day", "22:00-06:00"),
    ({"times": "22:00-06:00", "dates": "1"}, "goes over midnight", "another mute"),
    ({"days": "monday", "timezone": "Mars/Olympus"}, "there is no time zone", "Europe/Berlin"),
    ({"days": "monday", "severities": "loud"}, "there is no severity 'loud'", "critical"),
]


@pytest.mark.parametrize(("given", "text", "fix"), MUTES)
def test_a_mute_that_is_no_time_is_refused(given, text, fix):
    anytel.Receiver("oncall", slack="#a")
    anytel.Mute("quiet", **given)
    told(text, fix)


def test_the_same_declarations_give_the_same_bytes():
    anytel.Receiver("oncall", slack="#a")
    alert("Slow")
    assert generate("alertmanager", Catalogue.declared("shop"), OPTIONS) == generate(
        "alertmanager", Catalogue.declared("shop"), OPTIONS
    )
