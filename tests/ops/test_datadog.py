"""Datadog's provider for Terraform knows every resource, argument and type of what is generated for it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from anytel.demo import telemetry
from anytel.generate.checking import check
from real.processes import need


@pytest.fixture(scope="module")
def types():
    """Give the provider's types by name. The argument ``include_tags`` is ``includeTags`` there."""
    with tarfile.open(need("terraform-datadog-12.15.2").path) as archive:
        assembly = archive.extractfile("package/.jsii")
        assert assembly is not None
        return json.load(assembly)["types"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give what is generated for the demo service."""
    folder = tmp_path_factory.mktemp("ops")
    command = [Path(sys.executable).with_name("anytel"), "generate", "datadog", "--datadog-by", "cluster"]
    subprocess.run([*command, "--app", telemetry.__name__, "--out", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def resources(folder):
    return json.loads((folder / "datadog/terraform/main.tf.json").read_text())["resource"]


def camel(name):
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def configuration(types, resource):
    """Give the type of a resource's arguments."""
    name = camel(resource.removeprefix("datadog_"))
    return types[f"@cdktf/provider-datadog.{name}.{name[0].upper()}{name[1:]}Config"]


KINDS = {"string": (str, int, float), "number": (int, float), "boolean": (bool,)}


def wrong(types, known, given, path):
    """Give the arguments that a type does not have, or has otherwise, and those that it needs."""
    properties = {one["name"]: one for one in known["properties"]}
    for name in {one["name"] for one in known["properties"] if not one.get("optional")} - set(map(camel, given)):
        yield f"{path}: {name} is missing"
    for argument, value in given.items():
        one = properties.get(camel(argument))
        if one is None:
            yield f"{path}: there is no {argument}"
            continue
        yield from ill_typed(types, one["type"], value, f"{path}.{argument}")


def ill_typed(types, kind, value, path):
    if "union" in kind:
        found = [list(ill_typed(types, one, value, path)) for one in kind["union"]["types"]]
        yield from [] if [] in found else found[0]
    elif "primitive" in kind:
        if not isinstance(value, KINDS[kind["primitive"]]):
            yield f"{path}: {value!r} is no {kind['primitive']}"
    elif "collection" in kind:
        for one in value if isinstance(value, list) else [value]:
            yield from ill_typed(types, kind["collection"]["elementtype"], one, path)
    elif kind["fqn"].startswith("@cdktf/"):
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is no block"
        else:
            yield from wrong(types, types[kind["fqn"]], value, path)
    elif kind["fqn"] == "cdktf.IResolvable":
        yield f"{path}: {value!r} is no reference"


def test_terraform_configuration_fits_the_provider(types, resources):
    """Of each kind of resource there is one."""
    assert resources.keys() == {
        "datadog_monitor",
        "datadog_service_level_objective",
        "datadog_dashboard_json",
        "datadog_metric_metadata",
        "datadog_metric_tag_configuration",
    }
    for resource, made in resources.items():
        known = configuration(types, resource)
        for name, arguments in made.items():
            assert list(wrong(types, known, arguments, f"{resource}.{name}")) == []


def test_terraform_reads_the_configuration(folder):
    """A name that it does not take is found."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    assert [one.outcome for one in check(folder) if one.check == "terraform providers"] == ["passed"]
    path = folder / "datadog/terraform/main.tf.json"
    text = path.read_text()
    path.write_text(text.replace('"slo-skills-budget": {', '"slo skills budget": {'))
    (found,) = [one for one in check(folder) if one.check == "terraform providers"]
    path.write_text(text)
    assert found.outcome == "failed"
    assert "Invalid resource name" in found.detail


SPOILT = [
    (lambda one: one.update(threshholds={}), "there is no threshholds"),
    (lambda one: one.pop("message"), "message is missing"),
    (lambda one: one.update(include_tags="yes"), "'yes' is no boolean"),
    (lambda one: one["monitor_thresholds"].update(recovery="3"), "there is no recovery"),
]


@pytest.mark.parametrize(("spoil", "told"), SPOILT)
def test_what_does_not_fit_the_provider_is_found(types, resources, spoil, told):
    """So that the test above says something."""
    arguments = json.loads(json.dumps(next(iter(resources["datadog_monitor"].values()))))
    spoil(arguments)
    (found,) = wrong(types, configuration(types, "datadog_monitor"), arguments, "it")
    assert told in found
