"""What Grafana reads from files: data sources, alert rules, who is told, and what it is told to forget."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
import yaml

from anytel.generate import Options, generate
from anytel.generate.checking import check
from anytel.generate.checking.artefacts import read
from anytel.generate.writer import write
from generate import samples

ALERTING = "grafana/provisioning/alerting"


def made(catalogue, **given):
    """Give the files of Grafana as data, the dashboards left out."""
    files = generate("grafana", catalogue, Options(**{"service": "shop", **given}))
    return {path.rpartition("/")[2]: yaml.safe_load(text) for path, text in files.items() if path.endswith(".yaml")}


def rules(files):
    return {rule["uid"]: rule for group in files["rules.yaml"]["groups"] for rule in group["rules"]}


def test_the_data_sources_are_prometheus_thanos_and_loki():
    """Thanos, which knows old values too, is asked first."""
    files = made(samples.shop(), traces_url="http://jaeger/trace/{trace_id}")
    found = {one["uid"]: one for one in files["datasources.yaml"]["datasources"]}

    assert {uid: one["isDefault"] for uid, one in found.items()} == {
        "prometheus": False, "thanos": True, "loki": False, "alertmanager": False,
    }  # fmt: skip
    assert found["thanos"]["jsonData"]["prometheusType"] == "Thanos"
    assert found["prometheus"]["jsonData"]["httpMethod"] == "POST"
    assert found["prometheus"]["jsonData"]["timeInterval"] == "15s"


def test_an_exemplar_leads_to_its_trace_and_to_the_logs_of_it():
    """A ``$`` is written twice, or Grafana fills in a variable of the environment."""
    files = made(samples.shop(), traces_url="http://jaeger/trace/{trace_id}")
    source = files["datasources.yaml"]["datasources"][0]
    trace, logs = source["jsonData"]["exemplarTraceIdDestinations"]

    assert trace == {"name": "trace_id", "url": "http://jaeger/trace/$${__value.raw}", "urlDisplayLabel": "Trace"}
    assert logs["url"].count("$${__value.raw}") == 1
    assert logs["url"].startswith("/explore?")


def test_a_source_without_an_address_is_left_out_and_taken_away():
    files = made(samples.shop(), thanos_url="", loki_url="")["datasources.yaml"]

    assert [one["uid"] for one in files["datasources"]] == ["prometheus", "alertmanager"]
    assert files["datasources"][0]["isDefault"]
    assert files["prune"] is True


def test_a_rule_has_the_query_and_the_limit_of_that_of_prometheus():
    """The simple comparison knows only above and below; others are calculated."""
    catalogue = samples.shop()
    mine = {rule["title"]: rule for rule in rules(made(catalogue)).values()}
    theirs = {
        rule["alert"]: rule
        for path, text in generate("prometheus", catalogue, Options(service="shop")).items()
        if "/rules/" in path
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
        if "alert" in rule and "slo" not in rule["labels"]
    }

    assert theirs.keys() <= mine.keys()
    for name, rule in theirs.items():
        query, condition = mine[name]["data"]
        model = condition["model"]
        if model["type"] == "threshold":
            (one,) = model["conditions"]
            limit = float(rule["expr"].rpartition(" ")[2])
            assert (one["evaluator"]["type"], one["evaluator"]["params"]) == (
                "gt" if f"{query['model']['expr']} > " in rule["expr"] else "lt", [limit],
            )  # fmt: skip
            assert rule["expr"].startswith(query["model"]["expr"])
        elif model["expression"] == "is_number($A)":
            assert query["model"]["expr"] == rule["expr"]
        else:
            assert rule["expr"] == query["model"]["expr"] + model["expression"].removeprefix("$A")
        assert mine[name]["labels"] == rule["labels"]
        assert mine[name]["for"] == rule.get("for", "0s")


def test_an_objective_has_a_rule_for_each_severity_under_names_of_their_own():
    titles = [rule["title"] for rule in rules(made(samples.shop())).values()]

    assert {"ErrorBudgetBurn fast critical", "ErrorBudgetBurn fast warning"} <= set(titles)
    assert len(set(titles)) == len(titles)


def test_what_a_rule_says_has_no_dollar_in_it():
    """Grafana would put a variable of the environment in its place."""
    for rule in rules(made(samples.shop())).values():
        assert "$" not in json.dumps(rule["annotations"])
    said = {rule["title"]: rule["annotations"]["description"] for rule in rules(made(samples.shop())).values()}
    assert said["P95"] == "{{ .Values.A.Value | humanizeDuration }} at {{ .Labels.endpoint }}, {over} 500ms"


def test_rules_are_evaluated_at_an_interval_that_grafana_takes():
    """It looks every ten seconds."""
    files = made(samples.shop(), evaluation_interval="15s")

    assert {group["interval"] for group in files["rules.yaml"]["groups"]} == {"20s"}


def test_contact_points_are_the_receivers_and_hold_no_secret():
    points = {one["name"]: one["receivers"] for one in made(samples.shop())["contact-points.yaml"]["contactPoints"]}

    assert points["slack"][0]["settings"]["url"] == "$__file{/run/secrets/slack_slack_url}"
    assert [one["type"] for one in points["mail"]] == ["email", "webhook"]
    assert points["mail"][0]["settings"]["addresses"] == "a@example.com;b@example.com"
    assert points["mail"][1]["settings"]["authorization_credentials"] == "$__file{/run/secrets/mail_webhook_token}"
    assert points["pager"][0]["settings"]["integrationKey"] == "$__file{/run/secrets/pager_pagerduty_key}"
    assert points["pager"][0]["disableResolveMessage"] is True


def test_the_policy_tells_whom_alertmanager_tells():
    """The same tree, in Grafana's words; what is only shown is muted for ever."""
    files = made(samples.shop())
    alertmanager = generate("alertmanager", samples.shop(), Options(service="shop"))
    theirs = yaml.safe_load(alertmanager["alertmanager/alertmanager.yml"])["route"]["routes"]
    (policy,) = files["policies.yaml"]["policies"]

    assert policy["receiver"] == "slack"
    assert len(policy["routes"]) == len(theirs)
    for mine, route in zip(policy["routes"], theirs, strict=True):
        assert ["".join((name, sign, f'"{value}"')) for name, sign, value in mine["object_matchers"]] == route[
            "matchers"
        ]
        told = "slack" if route["receiver"] == "nobody" else route["receiver"]
        assert mine["receiver"] == told
        assert ("always" in mine.get("mute_time_intervals", ())) is (route["receiver"] == "nobody")
    assert {one["name"] for one in files["mute-timings.yaml"]["muteTimes"]} == {"nights", "always"}


def run(folder, app):
    command = [sys.executable, "-c", "from anytel.cli import main; main()", "generate", "grafana"]
    done = subprocess.run(
        [*command, "--app", app, "--service", "shop", "--out", "out"], cwd=folder, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_is_no_longer_declared_is_taken_away_from_grafana(tmp_path):
    """Which keeps what is only no longer in the file; and still is, when somebody generates once more."""
    head = "import anytel\nc = anytel.Counter('calls')\nanytel.Receiver('team', email='a@example.com', default=True)\n"
    alert = "anytel.Alert('Many', anytel.Stat(c) > 5, severity='warning')\n"
    more = "anytel.Receiver('other', email='b@example.com')\nanytel.Mute('nights', times='22:00-06:00')\n"
    for number, text in enumerate([head + alert + more, head, head]):
        (tmp_path / f"gone_{number}.py").write_text(text)
        run(tmp_path, f"gone_{number}")
        files = {path.name: yaml.safe_load(path.read_text()) for path in (tmp_path / "out" / ALERTING).iterdir()}
        if number:
            (rule,) = files["rules.yaml"]["deleteRules"]
            assert rule["uid"].startswith("shop-")
            assert "many" in rule["uid"]
            assert files["contact-points.yaml"]["deleteContactPoints"] == [{"orgId": 1, "uid": "other-email"}]
            assert files["mute-timings.yaml"]["deleteMuteTimes"] == [{"orgId": 1, "name": "nights"}]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Give a folder with everything of the demo, on a machine without any tool."""
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("GRAFANA_MODULES", "/nonexistent")
    write(tmp_path, {"grafana": generate("grafana", samples.shop(), Options(service="shop"))})
    return tmp_path


def failed(folder, catalogue=None):
    return [one for one in check(folder, catalogue) if one.outcome == "failed"]


@pytest.mark.parametrize("sample", [samples.demo, samples.shop])
def test_what_is_generated_passes_and_missing_tools_are_skipped(tmp_path, monkeypatch, sample):
    monkeypatch.setenv("GRAFANA_MODULES", "/nonexistent")
    catalogue = sample()
    options = Options(service="shop")
    write(tmp_path, {name: generate(name, catalogue, options) for name in ("prometheus", "grafana", "stack")})
    found = list(check(tmp_path, catalogue))

    assert [one for one in found if one.outcome == "failed"] == []
    skipped = {one.check: one.detail for one in found if one.outcome == "skipped"}
    assert "GRAFANA_MODULES" in skipped["tsc @grafana/schema"]
    assert "GRAFANA_MODULES" in skipped["grammars"]
    assert {one.kind for one in read(tmp_path).files} >= {"dashboard", "provisioning"}


def panel(data, title):
    (found,) = [one for one in data["panels"] if (one["title"], one["type"] == "row") == (title, False)]
    return found


def target(data, title):
    return panel(data, title)["targets"][0]


def unit(data, title, given):
    panel(data, title)["fieldConfig"]["defaults"]["unit"] = given


BROKEN = [
    (lambda d: unit(d, "Times", "seconds"), "dashboards", "panel 'Times': Grafana has no unit 'seconds'"),
    (lambda d: unit(d, "Calls", "cpss"), "dashboards", "did you mean 'cps'?"),
    (
        lambda d: panel(d, "Users")["options"].update(colorMode="thresholds"),
        "dashboards",
        "use one of value, background",
    ),
    (
        lambda d: panel(d, "How often")["options"]["color"].update(mode="spectrum"),
        "dashboards",
        "options.color.mode is 'spectrum'; use one of opacity, scheme",
    ),
    (lambda d: panel(d, "Disk").update(thresholds=[]), "dashboards", "belongs into fieldConfig.defaults"),
    (
        lambda d: panel(d, "Disk")["fieldConfig"]["defaults"]["thresholds"]["steps"].reverse(),
        "dashboards",
        "do not begin with null and rise",
    ),
    (
        lambda d: target(d, "Calls").update(expr="rate(mcp_calls_total[5m])"),
        "dashboards",
        "rate(...[5m]) is wrong on most time ranges; write [$__rate_interval]",
    ),
    (
        lambda d: target(d, "Calls").update(datasource={"type": "prometheus", "uid": "abc"}),
        "dashboards",
        "the datasource is fixed to 'abc'",
    ),
    (
        lambda d: target(d, "Calls").pop("datasource") and panel(d, "Calls").pop("datasource"),
        "dashboards",
        "no datasource",
    ),
    (
        lambda d: target(d, "Calls")["datasource"].update(uid="${ds}"),
        "dashboards",
        "${ds} is no variable of type datasource",
    ),
    (lambda d: target(d, "Outcomes").update(instant=False), "dashboards", "set instant to true"),
    (lambda d: panel(d, "Calls").update(id=2), "dashboards", "id 2 is that of 2 panels"),
    (lambda d: d.update(uid=""), "dashboards", "links to it break"),
    (lambda d: d.update(uid="shop-metrics"), "dashboards", "uid 'shop-metrics' is there 2 times"),
    (
        lambda d: target(d, "Calls").update(expr='mcp_calls_total{endpoint=~"$endpoint"}'),
        "dashboards",
        "$endpoint is no variable of the dashboard; it has cluster, instance",
    ),
    (lambda d: target(d, "Calls").update(expr=" "), "dashboards", "query A is empty"),
    (
        lambda d: target(d, "Calls").update(expr="rate(mcp_calls_total[$__rate_interval]) by (endpoint)"),
        "queries",
        "panel 'Calls', A: ",
    ),
    (lambda d: target(d, "Calls").update(expr="sum(mcp_call_total)"), "metrics", "did you mean 'mcp_calls_total'?"),
    (
        lambda d: target(d, "Calls").update(expr="sum by (status) (mcp_calls_total)"),
        "metrics",
        "panel 'Calls', A: nothing it reads has the label 'status'",
    ),
]


@pytest.mark.parametrize(("broken", "name", "told"), BROKEN)
def test_a_broken_dashboard_is_refused_with_the_panel_and_the_fix(folder, broken, name, told):
    path = folder / "grafana/dashboards/service.json"
    data = json.loads(path.read_text())
    broken(data)
    path.write_text(json.dumps(data))
    found = failed(folder, samples.shop())

    assert {one.file for one in found} <= {"grafana/dashboards/service.json", "grafana/dashboards/metrics.json"}
    assert any(told in one.detail for one in found if one.check == name), found


def rule(data):
    return data["groups"][0]["rules"][0]


MISFITS = [
    ("rules.yaml", lambda d: rule(d).update(condition="B"), "its condition B is none of its queries: A, C"),
    ("rules.yaml", lambda d: rule(d)["data"][0].update(datasourceUid="prom"), "no datasource has the uid 'prom'"),
    ("rules.yaml", lambda d: rule(d).update(noDataState="Ok"), "use one of Alerting, NoData, OK"),
    ("rules.yaml", lambda d: rule(d).update(uid="x" * 41), "has not 1 to 40 characters"),
    ("rules.yaml", lambda d: rule(d).update(uid=d["groups"][0]["rules"][1]["uid"]), "is that of 2 rules"),
    ("rules.yaml", lambda d: rule(d)["annotations"].update(summary="{{ $value }}"), "write .Labels and .Values"),
    ("rules.yaml", lambda d: d["groups"][0].update(interval="15s"), "is no multiple of 10s"),
    ("rules.yaml", lambda d: d["groups"][0].pop("folder"), "it has no folder"),
    ("contact-points.yaml", lambda d: d["contactPoints"][0]["receivers"][0].update(settings={"url": "x"}), "a secret"),
    ("contact-points.yaml", lambda d: d["contactPoints"][0].update(receivers=[]), "no way to tell anybody"),
    ("policies.yaml", lambda d: d["policies"][0].update(receiver="team"), "no contact point is named 'team'"),
    ("policies.yaml", lambda d: d["policies"][0].update(mute_time_intervals=["x"]), "no mute timing is named 'x'"),
    ("policies.yaml", lambda d: d["policies"][0].update(object_matchers=[["a", "b"]]), "is not [label, operator"),
    ("datasources.yaml", lambda d: d["datasources"][0]["jsonData"].update(url="${__value.raw}"), "write $$"),
    ("datasources.yaml", lambda d: d["datasources"][0].pop("uid"), "write one"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "broken", "told"), MISFITS)
def test_a_broken_provisioning_file_is_refused_with_the_place_and_the_fix(folder, name, broken, told):
    (path,) = folder.rglob(name)
    data = yaml.safe_load(path.read_text())
    broken(data)
    path.write_text(yaml.safe_dump(data))
    found = failed(folder)

    assert any(one.check == "provisioning" and told in one.detail for one in found), found
    assert re.search(r"provisioning/", found[0].file)
