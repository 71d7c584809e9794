"""What the leaves and the central server do, and which selectors are refused."""

from __future__ import annotations

import pytest
import yaml

from anytel.errors import ConfigError
from anytel.generate import Options, generate


@pytest.fixture
def made(catalogue):
    """Give a function that generates for two leaves."""

    def make(**more):
        options = Options(service="shop", leaves={"east": "east:9090", "west": "west:9090"}, **more)
        files = generate("federation", catalogue, options)
        return {path.removeprefix("federation/"): yaml.safe_load(text) for path, text in files.items()}

    return make


def test_each_leaf_has_a_cluster_of_its_own(made):
    """And the central server none, so that it never claims what a leaf has sent."""
    files = made()
    labels = {
        name: files[name]["global"]["external_labels"] for name in ("leaf-east.yml", "leaf-west.yml", "central.yml")
    }

    assert labels["leaf-east.yml"] == {"cluster": "east", "replica": "a"}
    assert labels["leaf-west.yml"] == {"cluster": "west", "replica": "a"}
    assert labels["central.yml"] == {"monitor": "central", "replica": "a"}


def test_the_central_server_asks_for_what_is_recorded_and_keeps_its_labels(made):
    (job,) = made()["central.yml"]["scrape_configs"]

    assert job["honor_labels"] is True
    assert job["metrics_path"] == "/federate"
    assert job["params"] == {"match[]": ['{__name__=~"job:.+|slo:.+"}', 'up{job="shop"}']}
    assert job["static_configs"] == [{"targets": ["east:9090", "west:9090"]}]


def rules(files, folder):
    return [
        rule
        for path, data in files.items()
        if path.startswith(f"rules/{folder}/")
        for group in data["groups"]
        for rule in group["rules"]
    ]


def test_recording_stays_at_the_leaves_and_alerts_on_records_are_central(made):
    """Of an objective with a minimum of events the alert reads raw series too, and stays."""
    files = made()
    central, leaf = rules(files, "central"), rules(files, "leaf")

    assert not [one for one in central if "record" in one]
    burning = {one["labels"].get("slo") for one in central if one["alert"] == "ErrorBudgetBurn"}
    assert burning == {"good", "apart", "fast", "http"}
    assert {one["labels"]["slo"] for one in leaf if one.get("alert") == "ErrorBudgetBurn"} == {"bad"}
    assert "LeafDown" in {one["alert"] for one in central}
    assert {"TargetDown", "P95"} <= {one.get("alert") for one in leaf}


FORMS = [
    '{job="mcp"}',
    '{__name__=~"request_latency_.*"}',
    '{__name__=~".+",job!="prometheus"}',
    '{__name__=~".+",job!~"test|dev"}',
    "up",
    'up{job!~"test"}',
    '{__name__=~".+"}',
]


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_matcher_is_passed_on(made, form):
    """Exact, regular expression, and the negative forms beside a positive one."""
    (job,) = made(match=(form, '{job="other"}'))["central.yml"]["scrape_configs"]

    assert job["params"]["match[]"] == [form, '{job="other"}']


REFUSED = [
    ('{job!="prometheus"}', "at least one non-empty matcher", "job!~"),
    ('{job!~"test|dev"}', "at least one non-empty matcher", "__name__"),
    ('{job=~".*"}', "at least one non-empty matcher", "__name__"),
    ('{job=""}', "at least one non-empty matcher", "__name__"),
    ('{job=~"|a"}', "at least one non-empty matcher", "__name__"),
    ("{}", "at least one non-empty matcher", "__name__"),
    ('{job="a"', "cannot be read", "job="),
    ("rate(x[5m])", "it is no selector", "Record it"),
    ("x[5m]", "it is no selector", "Record it"),
    ("x offset 1h", "it is no selector", "Record it"),
    ('{__name__=~"^request_.*"}', "always matches all of a value", "Leave ^ and $ out"),
    ('{job!="",job!~"a"}', "at least one non-empty matcher", "__name__"),
]


@pytest.mark.parametrize(("selector", "text", "fix"), REFUSED)
def test_a_selector_that_does_not_say_what_it_wants_is_refused(made, selector, text, fix):
    """``/federate`` accepts some of them, and gives everything."""
    with pytest.raises(ConfigError) as caught:
        made(match=(selector,))

    assert caught.value.setting == "--match"
    assert text in caught.value.problem
    assert fix in caught.value.fix


def test_taking_everything_is_said_in_the_file(catalogue):
    files = generate("federation", catalogue, Options(match=('{__name__=~".+"}',)))

    assert "takes every series" in files["federation/central.yml"]
