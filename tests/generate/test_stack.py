"""The compose project: what it starts, what it shows to whom, and what is refused."""

from __future__ import annotations

import re

import pytest
import yaml

import anytel
from anytel.catalogue import Catalogue
from anytel.errors import ConfigError
from anytel.generate import Options, generate
from anytel.generate.checking import check
from anytel.generate.options import options
from anytel.generate.writer import write


@pytest.fixture
def files(shop):
    """Give the project of the shop."""
    shop.declare()
    anytel.Receiver("slack", slack="#shop", default=True)
    anytel.Receiver("mail", email="shop@example.com")
    return generate("stack", Catalogue.declared("shop.telemetry"), Options(service="shop"))


@pytest.fixture
def project(files):
    return yaml.safe_load(files["stack/compose.yaml"])


def test_it_has_the_service_and_everything_that_watches_it(project):
    assert set(project["services"]) == {
        "app", "prometheus", "alertmanager", "grafana", "loki", "alloy", "bucket", "prepare",
        "thanos-sidecar", "thanos-store", "thanos-query", "thanos-compact", "thanos-rule", "thanos-receive",
    }  # fmt: skip


def test_images_are_pinned_and_the_obsolete_key_is_not_there(project):
    assert "version" not in project
    for name, service in project["services"].items():
        assert name == "app" or re.search(r":v?\d+\.\d+", service["image"]), name


def test_everything_that_runs_on_says_whether_it_is_healthy(project):
    """So that ``docker compose up --wait`` knows when all of it is there."""
    without = [name for name, one in project["services"].items() if "healthcheck" not in one]

    assert without == ["prepare"]
    assert project["services"]["prepare"]["restart"] == "no"


def flags(project, name):
    return project["services"][name]["command"]


def test_thanos_has_flags_that_exist(project):
    """Those of the document that are gone are not there; `tests/ops` asks the program for the others."""
    assert not any(
        one.startswith(("--store=", "--endpoint=", "--downsample")) for one in flags(project, "thanos-query")
    )
    assert "--query.replica-label=replica" in flags(project, "thanos-query")
    assert "--wait" in flags(project, "thanos-compact")
    assert project["services"]["thanos-compact"]["scale"] == 1
    assert not any(one.startswith("--downsample") for one in flags(project, "thanos-compact"))


def test_prometheus_leaves_its_blocks_to_the_compactor_and_the_sidecar_can_write_beside_them(project, files):
    wanted = {"--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h"}

    assert wanted <= set(flags(project, "prometheus"))
    assert project["services"]["thanos-sidecar"]["user"] == "65534:65534"
    config = yaml.safe_load(files["stack/prometheus/prometheus.yml"])
    assert {"cluster", "replica"} <= config["global"]["external_labels"].keys()


def test_rules_that_look_back_further_than_prometheus_keeps_samples_are_the_rulers(files):
    """And what reads their records."""
    far = [yaml.safe_load(text) for path, text in files.items() if path.startswith("stack/thanos/rules/")]
    names = {rule["record"] for data in far for group in data["groups"] for rule in group["rules"]}

    assert {"slo:sli_error:ratio_rate30d", "slo:error_budget_remaining:ratio"} <= names
    near = "".join(text for path, text in files.items() if path.startswith("stack/prometheus/rules/"))
    assert "[30d]" not in near
    assert "[7d]" in near


def test_no_file_holds_a_secret(project, files):
    """They come from the environment of whoever starts it."""
    assert all(set(one) == {"environment"} for one in project["secrets"].values())
    assert set(project["secrets"]) == {"slack_slack_url", "grafana_admin_password"}
    assert "access_key" not in files["stack/thanos/bucket.yml"]
    assert re.findall(r"^\w+=.+$", files["stack/.env.example"], re.MULTILINE) == []


def test_ports_are_for_this_machine_only_and_do_not_clash(project):
    ports = [port for one in project["services"].values() for port in one.get("ports", ())]

    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert len(set(ports)) == len(ports)


@pytest.mark.parametrize(
    ("given", "setting"), [({"retention_raw": "40h"}, "--retention-raw"), ({"retention_5m": "10d"}, "--retention-5m")]
)
def test_a_retention_that_deletes_what_the_next_resolution_is_made_of_is_refused(given, setting):
    with pytest.raises(ConfigError, match=re.escape(setting)):
        generate("stack", Catalogue(), Options(**given))


def test_for_ever_is_a_retention(shop):
    anytel.Receiver("slack", slack="#shop")
    files = generate("stack", Catalogue.declared("x"), Options(retention_raw="0s"))

    assert "--retention.resolution-raw=0s" in files["stack/compose.yaml"]


BROKEN = [
    (lambda p: p["services"]["thanos-store"].update(ports=["127.0.0.1:10902:10902"]), "published 2 times"),
    (lambda p: p["services"]["grafana"].update(ports=["3000:3000"]), "open to everybody"),
    (lambda p: p["services"]["grafana"].update(image="grafana/grafana"), "not pinned"),
    (lambda p: p["services"]["grafana"].update(image="grafana/grafana:latest"), "not pinned"),
    (lambda p: p["services"]["bucket"]["environment"].update(AWS_SECRET_ACCESS_KEY="abc"), "holds a secret"),
    (lambda p: p["services"]["bucket"].pop("healthcheck"), "which has no healthcheck"),
    (lambda p: p["services"].pop("loki"), "depends on loki, which is not there"),
    (lambda p: p["volumes"].pop("thanos_store"), "thanos_store is used and not declared"),
    (lambda p: p["networks"].update(other={}), "other is declared and not used"),
    (lambda p: p["secrets"].update(grafana_admin_password={"file": "x"}), "is in a file"),
    (lambda p: p["services"]["thanos-sidecar"].update(user="1001"), "written to by several users"),
    (lambda p: p["services"]["loki"]["volumes"].append("./gone:/gone:ro"), "mounts ./gone, which is not there"),
    (lambda p: p.update(version="3.8"), "obsolete"),
    (lambda p: p["services"]["prepare"].update(restart="always"), "waits for prepare to end"),
]


@pytest.mark.parametrize(("broken", "told"), BROKEN)
def test_the_checks_find_what_the_schema_allows_and_does_not_work(files, tmp_path, monkeypatch, broken, told):
    monkeypatch.setenv("PATH", "/nonexistent")
    write(tmp_path, {"stack": files})
    path = tmp_path / "stack/compose.yaml"
    assert not [one for one in check(tmp_path) if one.outcome == "failed"]
    data = yaml.safe_load(path.read_text())
    broken(data)
    path.write_text(yaml.safe_dump(data))

    assert any(told in one.detail for one in check(tmp_path) if (one.check, one.outcome) == ("compose", "failed"))


ALERTING = [
    (lambda c: c["inhibit_rules"][0].pop("equal"), "without equal"),
    (lambda c: c["inhibit_rules"][0].update(source_match={"a": "b"}), "deprecated"),
    (lambda c: c["route"].update(match={"a": "b"}), "deprecated"),
    (lambda c: c["route"].update(group_by=["endpoint"]), "without alertname"),
    (lambda c: c["route"].update(repeat_interval="7m"), "no multiple"),
    (lambda c: c["receivers"][1]["slack_configs"][0].update(api_url="https://x"), "holds a secret"),
    (lambda c: c.update({"global": {"slack_api_url": "https://x"}}), "holds a secret"),
]


@pytest.mark.parametrize(("broken", "told"), ALERTING)
def test_the_checks_find_what_amtool_accepts_and_tells_the_wrong_people(files, tmp_path, monkeypatch, broken, told):
    monkeypatch.setenv("PATH", "/nonexistent")
    write(tmp_path, {"stack": files})
    path = tmp_path / "stack/alertmanager/alertmanager.yml"
    data = yaml.safe_load(path.read_text())
    broken(data)
    path.write_text(yaml.safe_dump(data))

    assert any(told in one.detail for one in check(tmp_path) if (one.check, one.outcome) == ("alerting", "failed"))


GIVEN = [
    ({"leaves": ("../x=h:9090",)}, "--leaf", "CLUSTER=HOST:PORT"),
    ({"leaves": ("east=h",)}, "--leaf", "HOST:PORT"),
    ({"smtp": "mail"}, "--smtp", "HOST:PORT"),
    ({"smtp_from": "me"}, "--smtp-from", "e-mail address"),
    ({"secrets": "secrets"}, "--secrets", "relative"),
    ({"retention": "0s"}, "--retention", "above 0"),
    ({"retention_1h": "long"}, "--retention-1h", "duration"),
]


@pytest.mark.parametrize(("given", "setting", "told"), GIVEN)
def test_an_option_that_cannot_be_used_is_told(given, setting, told):
    with pytest.raises(ConfigError) as caught:
        options("shop", given)

    assert caught.value.setting == setting
    assert told in caught.value.problem


def test_a_cluster_may_be_called_what_clusters_are_called():
    assert options("shop", {"leaves": ("eu-west.1=h:9090",)}).leaves == {"eu-west.1": "h:9090"}
