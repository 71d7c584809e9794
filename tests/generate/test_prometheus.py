"""What is generated for Prometheus, and the forms it never has. `tests/ops` has promtool look at it."""

from __future__ import annotations

import re

import pytest
import yaml

import anytel
from anytel.catalogue import Catalogue
from anytel.errors import ConfigError, DeclarationError
from anytel.generate import Options, generate
from anytel.generate.options import options as from_command_line
from anytel.generate.queries import parse, selectors


@pytest.fixture
def files(catalogue, options):
    return generate("prometheus", catalogue, options)


@pytest.fixture
def data(files):
    return {path: yaml.safe_load(text) for path, text in files.items()}


def rules(data):
    return [
        rule
        for path, content in data.items()
        if "/rules/" in path
        for group in content["groups"]
        for rule in group["rules"]
    ]


def test_there_are_rules_and_tests_for_everything(files, catalogue):
    """A file for each objective; a test file for each alert that has a condition."""
    for slo in catalogue.slos:
        assert {f"prometheus/rules/slo-{slo.name}.yml", f"prometheus/tests/slo-{slo.name}.yml"} <= files.keys()
    tested = {path for path in files if "/tests/alert-" in path}
    assert tested == {f"prometheus/tests/alert-{one.name}.yml" for one in catalogue.alerts if one.name != "Own"}


def test_the_configuration_leads_to_an_alertmanager(data):
    """Rules are read, alerts are sent, and what is scraped says where it comes from."""
    config = data["prometheus/prometheus.yml"]
    assert config["rule_files"] == ["rules/*.yml"]
    assert config["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["localhost:9093"]}]}]
    assert config["global"]["external_labels"] == {"cluster": "default", "replica": "a"}
    assert config["global"]["evaluation_interval"] == "30s"
    job = config["scrape_configs"][0]
    assert (job["job_name"], job["static_configs"]) == ("shop", [{"targets": ["shop-1:8000", "shop-2:8000"]}])


def test_the_same_declarations_give_the_same_bytes(catalogue, options, files):
    """Whatever the order of a set is in this process."""
    assert generate("prometheus", catalogue, options) == files


def test_every_query_is_promql_and_scoped_to_the_service(data):
    """Another service with metrics of the same names is none of our business."""
    for rule in rules(data):
        for selector in selectors(parse(rule["expr"])):
            if selector.name.startswith("slo:"):
                assert ("service", "=", "shop") in selector.matchers, rule
            else:
                assert any(one.label == "job" and one.operator == "=" for one in selector.matchers), rule


def test_nothing_has_a_form_that_is_often_got_wrong(files):
    """An aggregation after its call, labels beside static_configs, a share that is missing while all is well."""
    text = "\n".join(files.values())
    assert not re.search(r"\]\) by \(", text)
    assert not re.search(r"^    labels:", files["prometheus/prometheus.yml"], re.MULTILINE)
    assert "100 -" not in text
    assert "vector(0)" not in text
    for line in text.splitlines():
        if "expr: (sum(rate(" in line and " / " in line:
            assert " or 0 * " in line or " - sum(" in line
            assert " > 0)" in line


def test_the_severities_and_windows_of_an_objective_are_those_of_the_workbook(data):
    """Two pages and two tickets, each guarded by a short window, and by enough events."""
    found = data["prometheus/rules/slo-bad.yml"]["groups"][0]["rules"]
    page, ticket, absent = [rule for rule in found if "alert" in rule]
    assert [rule["labels"]["severity"] for rule in (page, ticket, absent)] == ["critical", "warning", "warning"]
    assert re.findall(r"ratio_rate(\w+)\{.*?\} > ([\d.]+) \* 0.001", page["expr"]) == [
        ("1h", "14.4"), ("5m", "14.4"), ("6h", "6"), ("30m", "6"),
    ]  # fmt: skip
    assert re.findall(r"ratio_rate(\w+)\{.*?\} > ([\d.]+) \* 0.001", ticket["expr"]) == [
        ("1d", "3"), ("2h", "3"), ("3d", "1"), ("6h", "1"),
    ]  # fmt: skip
    assert re.findall(r"increase\(.*?\[(\w+)\]\)\) > 500", page["expr"] + ticket["expr"]) == ["1h", "6h", "1d", "3d"]
    assert page["labels"] == {
        "notify": "slack,mail", "owner": "core", "service": "shop", "severity": "critical", "slo": "bad",
    }  # fmt: skip
    assert absent["expr"] == 'absent(sum(mcp_calls_total{job="shop"}))'


def test_the_budget_is_weighted_by_traffic(data):
    """An hour without traffic counts for nothing: sums of events, not a mean of shares."""
    found = {rule.get("record"): rule["expr"] for rule in data["prometheus/rules/slo-bad.yml"]["groups"][0]["rules"]}
    where = '{service="shop",slo="bad"}'
    assert found["slo:sli_error:ratio_rate30d"] == (
        f"sum_over_time(slo:sli_errors:rate5m{where}[30d]) / (sum_over_time(slo:sli_events:rate5m{where}[30d]) > 0)"
    )
    assert found["slo:error_budget_remaining:ratio"] == f"1 - slo:sli_error:ratio_rate30d{where} / 0.001"
    assert found["slo:objective:ratio"] == "vector(0.999)"


def test_everything_is_recorded_by_job_for_federation(data):
    """And nothing but job and declared tags: instances are added up."""
    found = {rule["record"]: rule["expr"] for rule in data["prometheus/rules/recording.yml"]["groups"][0]["rules"]}
    assert found["job:mcp_calls:rate5m"] == 'sum by (job, endpoint, outcome) (rate(mcp_calls_total{job="shop"}[5m]))'
    assert found["job:unique_users:max"] == 'max by (job) (unique_users{job="shop"})'
    assert "job:unique_users:sum" not in found
    assert found["job:response_time_seconds_bucket:rate5m"].startswith("sum by (job, endpoint, ")
    assert ", le) (rate(" in found["job:response_time_seconds_bucket:rate5m"]


def test_braces_of_a_text_never_begin_a_template(files):
    """What a person writes is told as it stands."""
    assert "Calls { {succeed}}" in files["prometheus/rules/slo-apart.yml"]
    slow = "{{ $value | humanizeDuration }} at {{ $labels.endpoint }}, {over} 500ms"
    assert slow in files["prometheus/rules/alert-P95.yml"]
    assert "description: '{{ $value }} of {it}'" in files["prometheus/rules/alert-Own.yml"]


def test_names_that_become_one_are_refused(options):
    """Both places are told."""
    first = anytel.Counter("a.b")
    second = anytel.Counter("a_b")
    with pytest.raises(DeclarationError) as raised:
        generate("prometheus", Catalogue.declared(), options)
    assert str(raised.value).startswith(
        f"{second.place}: metric 'a_b': it is 'a_b' there, as 'a.b' declared at {first.place}"
    )


def test_a_name_within_another_one_s_suffixes_is_refused(options):
    """A counter ``x.count`` beside a histogram ``x``."""
    anytel.Histogram("x")
    anytel.Gauge("x.count")
    with pytest.raises(DeclarationError, match="'x_count' there"):
        generate("prometheus", Catalogue.declared(), options)


@pytest.mark.parametrize(
    ("tags", "told"), [(("a.b", "a_b"), "its tags 'a.b' and 'a_b' are both 'a_b'"), (("job",), "'job' is 'job' there")]
)
def test_tags_that_prometheus_cannot_tell_apart_are_refused(options, tags, told):
    """Or that it uses itself."""
    anytel.Counter("calls", tags=tags)
    with pytest.raises(DeclarationError, match=re.escape(told)):
        generate("prometheus", Catalogue.declared(), options)


def test_the_names_of_our_own_alerts_are_taken(options):
    """Also that of an alert's second one."""
    calls = anytel.Counter("calls")
    anytel.Alert("TargetDown", anytel.Stat(calls) > 1, severity="info")
    anytel.Alert("Some", anytel.Stat(calls) > 1, severity="info", no_data="5m")
    anytel.Alert("SomeNoData", anytel.Stat(calls) > 1, severity="info")
    with pytest.raises(DeclarationError) as raised:
        generate("prometheus", Catalogue.declared(), options)
    assert len(raised.value.problems) == 2


def test_a_raw_query_that_is_no_promql_is_refused(options):
    """With its place, like the others: here ``by`` stands where no aggregation is."""
    alert = anytel.Alert("Raw", anytel.Raw(promql="rate(mcp_calls_total[5m]) by (job)"), severity="info")
    with pytest.raises(DeclarationError, match=re.escape(f"{alert.condition.place}: alert 'Raw'")):
        generate("prometheus", Catalogue.declared(), options)


def test_a_raw_query_of_another_vendor_is_left_out(options):
    """Not an empty rule."""
    anytel.Alert("Raw", anytel.Raw(datadog="avg(last_5m):avg:x{*} > 1"), severity="info")
    assert "prometheus/rules/alert-Raw.yml" not in generate("prometheus", Catalogue.declared(), options)


def test_without_declarations_there_is_still_a_configuration(options):
    """Of a service that is scraped, and watched for being there."""
    assert list(generate("prometheus", Catalogue(), options)) == [
        "prometheus/prometheus.yml",
        "prometheus/rules/targets.yml",
        "prometheus/tests/targets.yml",
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"scrape": ("http://shop:8000",)}, "--scrape='http://shop:8000'"),
        ({"scrape": ("shop:99999",)}, "it is no HOST:PORT"),
        ({"alertmanagers": ("am",)}, "--alertmanagers='am'"),
        ({"scrape_interval": "soon"}, "--scrape-interval='soon'"),
        ({"scrape_interval": "10m"}, "rates would always be empty"),
        ({"service": " "}, "--service=' '"),
        ({"metrics_path": "metrics"}, "--metrics-path='metrics'"),
        ({"external_labels": ("cluster",)}, "it is no NAME=VALUE"),
        ({"external_labels": ("__x=1",)}, "--external-labels='__x=1'"),
    ],
)
def test_an_option_that_cannot_be_used_is_told(given, told):
    """With what to write."""
    with pytest.raises(ConfigError, match=re.escape(told)):
        from_command_line("shop.telemetry", given)


def test_the_service_is_named_as_at_run_time(monkeypatch):
    """By the environment, else after its package."""
    assert from_command_line("shop.telemetry", {}).service == "shop"
    monkeypatch.setenv("TELEMETRY_SERVICE", "kingdom")
    assert from_command_line("shop.telemetry", {}).service == "kingdom"
    assert from_command_line("shop.telemetry", {"service": "api"}).service == "api"
    assert isinstance(from_command_line("shop.telemetry", {}), Options)
