"""Our own checks, of what the vendors' tools accept and is wrong all the same, and what is said of missing tools."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

import anytel
from anytel.errors import ConfigError
from anytel.generate import generate
from anytel.generate.checking import check
from anytel.generate.writer import write


@pytest.fixture
def folder(tmp_path, catalogue, options):
    """Give a folder of generated files."""
    write(tmp_path, {"prometheus": generate("prometheus", catalogue, options)})
    return tmp_path


@pytest.fixture(autouse=True)
def _no_tools(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")


def put(folder, rule):
    """Write one more rule."""
    (folder / "prometheus/rules/more.yml").write_text(yaml.safe_dump({"groups": [{"name": "more", "rules": [rule]}]}))


def failed(findings):
    return [(one.check, one.detail) for one in findings if one.outcome == "failed"]


def test_what_is_generated_passes(folder, catalogue):
    """And the tools that are not there are skipped, which is not passed."""
    findings = list(check(folder, catalogue))
    assert failed(findings) == []
    assert {one.check for one in findings if one.outcome == "passed"} == {
        "queries",
        "names",
        "metrics",
        "units",
        "functions",
        "servers",
        "complete",
    }
    skipped = {one.check: one.detail for one in findings if one.outcome == "skipped"}
    assert skipped.keys() == {"promtool check config", "promtool check rules", "promtool test rules"}
    assert "promtool is not installed" in skipped["promtool test rules"]


def test_without_declarations_the_metrics_are_not_compared(folder):
    """Which is said."""
    assert "give --app" in next(one.detail for one in check(folder) if one.check == "metrics")


ALERT = {"labels": {"severity": "info"}, "annotations": {"summary": "x"}}
P95 = "histogram_quantile(0.95, sum by (le, endpoint) (rate(response_time_seconds_bucket[5m])))"
FAILED = 'sum(rate(mcp_calls_total{outcome="error"}[5m])) / sum(rate(mcp_calls_total[5m]))'


def said(function):
    return {"annotations": {"summary": f"{{{{ $value | {function} }}}}"}}


WRONG = [
    ({"record": "a:b", "expr": "rate(x[5m]) by (job)"}, "queries", "invalid promql"),
    ({"record": "a:b", "expr": 'sum({job!="x"})'}, "queries", "at least one non-empty matcher"),
    ({"record": "a:b", "expr": 'up{job=~"("}'}, "queries", "illegal regex"),
    ({"alert": "A", "expr": "up == 0", "annotations": {"summary": "x"}}, "names", "alert A has no severity"),
    ({"alert": "A", "expr": "up == 0", "labels": {"severity": "x"}}, "names", "alert A has no summary"),
    ({"record": "job:queue_depth:sum", "expr": "up"}, "names", "job:queue_depth:sum is there 2 times"),
    ({"record": "a:b", "expr": "sum(mcp_call_total)"}, "metrics", "did you mean 'mcp_calls_total'?"),
    (
        {"record": "a:b", "expr": "sum(rate(slo:sli_errors:rate6m[5m]))"},
        "metrics",
        "did you mean 'slo:sli_errors:rate5m'?",
    ),
    (
        {"record": "a:b", "expr": 'mcp_calls_total{status="ok"}'},
        "metrics",
        "no label 'status'; it has endpoint, outcome",
    ),
    (
        {"record": "a:b", "expr": "sum by (status) (mcp_calls_total)"},
        "metrics",
        "nothing it reads has the label 'status'",
    ),
    ({"record": "a:b", "expr": 'response_time_seconds_bucket{le="0.3"}'}, "metrics", "no bucket le='0.3'; it has 0.1"),
    ({"alert": "A", "expr": "response_time_seconds > 1", **ALERT}, "metrics", "'response_time_seconds'"),
    (
        {"alert": "A", "expr": f"{P95} > 500", **ALERT},
        "units",
        "is at most 1 seconds, by its buckets, and compared with 500",
    ),
    ({"alert": "A", "expr": f"{FAILED} > 5", **ALERT}, "units", "a share is from 0 to 1, and compared with 5"),
    ({"alert": "A", "expr": f"({FAILED}) < bool -1", **ALERT}, "units", "from 0 to 1, and compared with -1"),
    ({"alert": "A", "expr": "disk_used_bytes > 1", **ALERT | said("humanizeDuration")}, "units", "as a duration"),
    ({"alert": "A", "expr": f"{P95} > 0.5", **ALERT | said("humanizePercentage")}, "units", "as a percentage"),
    ({"record": "a:b", "expr": P95.replace("0.95", "95")}, "functions", "a share from 0 to 1, not 95"),
    ({"record": "a:b", "expr": P95.replace("le, ", "")}, "functions", "needs the label le"),
    ({"record": "a:b", "expr": "sum(rate(queue_depth[5m]))"}, "functions", "queue_depth is a gauge"),
    ({"record": "a:b", "expr": "rate(sum(mcp_calls_total)[5m:])"}, "functions", "for a reset of all"),
    ({"record": "a:b", "expr": "sum(rate(mcp_calls_total[20s]))"}, "servers", "gives no two samples"),
    (
        {"alert": "A", "expr": "up == 0", **ALERT | {"labels": {"severity": "info", "service": "x"}}},
        "servers",
        "no job",
    ),
]


NOTED = [
    ("sum(job_took_milliseconds_sum)", "job_took_milliseconds_sum is in milliseconds, and Prometheus' unit is seconds"),
    ("sum(irate(mcp_calls_total[5m]))", "irate sees two samples only"),
]


@pytest.mark.parametrize(("expr", "detail"), NOTED)
def test_what_is_unusual_is_noted(folder, expr, detail):
    """It may be meant, so that it does not fail."""
    put(folder, {"record": "a:b", "expr": expr})
    findings = list(check(folder))
    assert failed(findings) == []
    assert any(detail in one.detail for one in findings if one.outcome == "noted")


SERVER = [
    ("rules/*.yml", "rule/*.yml", "there is no rule/*.yml, so its rules are not evaluated"),
    ("job_name: shop", "job_name: shops", "is of the service shop, and no job of that name is scraped"),
    ("alertmanagers:", "no_alertmanagers:", "no Alertmanager under alerting:"),
    ("action: labeldrop", "action: labelkeep", "labelkeep of replica takes the severity from all alerts"),
    ("regex: replica", "regex: s.*", "labeldrop of s.* takes the severity"),
    ("scrape_interval: 15s", "scrape_interval: 5m", "in which a scrape each 5m gives no two samples"),
    ("external_labels:", "labels:", "it has no external_labels"),
]


@pytest.mark.parametrize(("right", "wrong", "told"), SERVER)
def test_a_server_that_would_never_alert_fails(folder, right, wrong, told):
    """Though promtool accepts its configuration."""
    path = folder / "prometheus/prometheus.yml"
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong))
    found = failed(check(folder))
    assert {name for name, _ in found} == {"servers"}
    assert any(told in text for _, text in found), found


FEDERATED = [
    ("central.yml", "honor_labels: true", "honor_labels: false", "becomes exported_job"),
    ("central.yml", "/federate", "/metrics", "at metrics_path: /federate only"),
    ("central.yml", "job:.+|slo:.+", "jobs:.+", "which no match[] takes"),
    ("central.yml", "monitor: central", "cluster: central", "a cluster of its own"),
    ("leaf-west.yml", "cluster: west", "region: west", "without a cluster its series"),
    ("leaf-west.yml", "cluster: west", "cluster: east", "leaf-east.yml has the same external_labels"),
]


@pytest.mark.parametrize(("file", "right", "wrong", "told"), FEDERATED)
def test_a_federation_that_loses_what_its_rules_read_fails(tmp_path, catalogue, options, file, right, wrong, told):
    """Though every server accepts its own configuration."""
    write(tmp_path, {"federation": generate("federation", catalogue, options)})
    assert failed(check(tmp_path)) == []
    path = tmp_path / "federation" / file
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong))
    found = failed(check(tmp_path))
    assert any(told in text for _, text in found), found


@pytest.mark.parametrize(("rule", "name", "detail"), WRONG)
def test_a_rule_that_is_wrong_fails(folder, catalogue, rule, name, detail):
    """Once, by the check that is about it."""
    more = {"labels": {}} if rule.get("record") == "job:queue_depth:sum" else {}
    put(folder, {**rule, **more})
    found = failed(check(folder, catalogue))
    assert {one for one, _ in found} == {name}
    assert any(detail in text for _, text in found), found


def test_what_prometheus_has_itself_needs_no_declaration(folder, catalogue):
    """Such as ``up``, and alerts that are firing."""
    put(folder, {"record": "a:b", "expr": 'up{job="x"} + on () scrape_duration_seconds + on () ALERTS{alertname="A"}'})
    assert failed(check(folder, catalogue)) == []


@pytest.mark.parametrize(
    ("matches", "told"),
    [
        (['{job!="prometheus"}'], "at least one non-empty matcher"),
        (['{job!~"test|dev"}'], "at least one non-empty matcher"),
        (["rate(x[5m])"], "is no selector"),
        ([], "without match[] it gets nothing"),
        (['{__name__=~".+",job!~"test|dev"}', '{job="mcp"}', "up"], ""),
    ],
)
def test_selectors_of_a_federation_say_what_they_want(folder, matches, told):
    """Though ``/federate`` and promtool accept them all, and some get everything."""
    job = {"job_name": "leaves", "metrics_path": "/federate", "params": {"match[]": matches}}
    (folder / "central.yml").write_text(yaml.safe_dump({"scrape_configs": [job]}))
    found = failed(check(folder))
    assert bool(found) is bool(told)
    assert all(one == "federation" and told in text for one, text in found)


def test_a_file_that_cannot_be_read_fails(folder):
    """With its place in the file."""
    (folder / "broken.yml").write_text("a: [1")
    assert failed(check(folder))[0][0] == "readable"


def test_a_folder_without_files_cannot_be_checked(tmp_path):
    """Passing would say something about nothing."""
    with pytest.raises(ConfigError, match="there is no YAML or JSON file"):
        list(check(tmp_path))


def test_a_tool_says_what_it_found(folder, tmp_path_factory, monkeypatch):
    """Its output is the detail, and its status the outcome."""
    tool = tmp_path_factory.mktemp("tools") / "promtool"
    tool.write_text('#!/bin/sh\necho "looked at $3"\ncase "$3" in *slo-bad.yml) exit 3;; esac\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PROMTOOL", str(tool))
    found = [one for one in check(folder) if one.check == "promtool check rules"]
    assert {one.file: one.outcome for one in found}["prometheus/rules/slo-bad.yml"] == "failed"
    assert [one.detail for one in found if one.outcome == "failed"] == [
        f"looked at {folder}/prometheus/rules/slo-bad.yml"
    ]


@pytest.fixture
def prometheus():
    """Give a function that answers for the series that are there, and the address that it answers at."""
    names = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            (selector,) = parse_qs(urlsplit(self.path).query)["match[]"]
            there = selector in names or (re.match(r"[\w:]+", selector)[0] in names and "{" not in selector)
            body = json.dumps({"status": "success", "data": [{}] if there else []}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield names, f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_live_prometheus_is_asked_for_every_series(tmp_path, prometheus):
    """What is not there fails; what is there and has only not happened yet is noted."""
    names, url = prometheus
    names |= {"there", 'up{job="a"}', "quiet"}
    rules = [
        {"record": "a:1", "expr": 'sum(rate(there[5m])) + up{job="a"}'},
        {"record": "a:2", "expr": 'quiet{outcome="error"}'},
        {"record": "a:3", "expr": "missing"},
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    found = {one.detail.split("; ")[0]: one.outcome for one in check(tmp_path, live=url) if one.check == "live"}
    assert found == {
        "there": "passed",
        'up{job="a"}': "passed",
        'no series of quiet matches quiet{outcome="error"} yet': "noted",
        "there is no missing": "failed",
    }


def test_a_prometheus_that_does_not_answer_fails(folder):
    """Instead of passing for want of contradiction."""
    (one,) = [one for one in check(folder, live="http://127.0.0.1:9") if one.check == "live"]
    assert one.outcome == "failed"
    assert "does not answer" in one.detail


@pytest.fixture
def told(folder, catalogue, options):
    """Give a folder with the alerts, and with who is told of them."""
    receivers = (
        anytel.Receiver("oncall", slack="#shop", default=True),
        anytel.Receiver("mail", email="a@b.c"),
        anytel.Receiver("slack", slack="#x"),
    )
    more = replace(catalogue, receivers=receivers)
    files = {target: generate(target, more, options) for target in ("prometheus", "alertmanager")}
    write(folder, files)
    return folder


ROUTING = [
    ('- severity="critical"', '- severity="criticl"', "no alert has the severity 'criticl'"),
    ('- severity="critical"', '- severty="critical"', "no alert has the label 'severty'"),
    ("      - owner\n", "      - ownr\n", "no alert has the label 'ownr'"),
    ("    - cluster\n", "    - clustr\n", "group_by: no alert has the label 'clustr'"),
    ('alertname=~"TargetDown|', 'alertname=~"TargetsDown|', "no alert has the alertname 'TargetsDown'"),
    ("templates/*.tmpl", "template/*.tmpl", "there is no template/*.tmpl"),
    ('template "anytel.title"', 'template "anytel.titel"', "no template defines 'anytel.titel'"),
]


@pytest.mark.parametrize(("right", "wrong", "detail"), ROUTING)
def test_names_that_no_alert_has_fail(told, right, wrong, detail):
    """Though amtool accepts them: they match nothing, or everything."""
    assert failed(check(told)) == []
    path = told / "alertmanager/alertmanager.yml"
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong))
    found = failed(check(told))
    assert {name for name, _ in found} == {"routing"}
    assert any(detail in text for _, text in found), found


@pytest.mark.parametrize("path", ["prometheus/tests/slo-bad.yml", "alertmanager/templates/anytel.tmpl"])
def test_a_generated_file_that_is_not_there_fails(told, path):
    """Its rules would pass untested, and messages would be empty."""
    (told / path).unlink()
    assert ("complete", path) in [(one.check, one.file) for one in check(told) if one.outcome == "failed"]
