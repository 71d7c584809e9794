"""The compose project, by the schema of its specification, docker compose, and each program whose flags it has."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
import yaml

from anytel.generate import Options, generate
from ops.declared import SERVICE, catalogue
from ops.servers import VERSIONS, tool, write
from real.processes import need


@pytest.fixture
def folder(tmp_path):
    """Give the folder of the generated project."""
    return write(tmp_path, generate("stack", catalogue(), Options(service=SERVICE))) / "stack"


@pytest.fixture
def services(folder):
    return yaml.safe_load((folder / "compose.yaml").read_text())["services"]


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)
    return done.returncode, done.stdout + done.stderr


def test_the_schema_of_the_compose_specification_accepts_it(folder):
    """And refuses a key that does not exist."""
    check = need("check-jsonschema-0.39.0").path, "--builtin-schema", "vendor.compose-spec"
    path = folder / "compose.yaml"

    status, said = run(*check, path)
    assert status == 0, said
    path.write_text(path.read_text().replace("    image:", "    imagine:", 1))
    assert run(*check, path)[0] != 0


@pytest.mark.go
def test_docker_compose_reads_it_with_the_variables_of_the_example(folder):
    """Each has a value then; without them it says which is missing."""
    compose = need("docker-compose-2.40.3").path
    names = re.findall(r"^(\w+)=$", (folder / ".env.example").read_text(), re.MULTILINE)
    env = {**os.environ, **{name: "8000" if name == "APP_PORT" else "given" for name in names}}

    status, said = run(compose, "config", "--format=json", cwd=folder, env=env)
    assert status == 0, said
    project = json.loads(said)
    assert {one["host_ip"] for service in project["services"].values() for one in service.get("ports", ())} == {
        "127.0.0.1"
    }
    assert project["services"]["alloy"]["environment"] == {"COMPOSE_PROJECT": SERVICE}
    status, said = run(compose, "config", cwd=folder)
    assert status != 0
    assert "is missing a value" in said


def asked(program, *command):
    """Give the flags that a program says it has."""
    _, said = run(program, *command, "--help")
    return set(re.findall(r"--(?:\[no-\])?([a-z0-9][a-z0-9._-]*)", said))


THANOS = ["sidecar", "store", "query", "compact", "rule", "receive"]
HIDDEN = {"storage.tsdb.min-block-duration", "storage.tsdb.max-block-duration"}
"""They are in no help, and Thanos' manual asks for them; a Prometheus with them is run in ``test_thanos``."""


def given(service):
    return {one[2:].partition("=")[0] for one in service["command"] if one.startswith("--")}


@pytest.mark.go
@pytest.mark.parametrize("command", THANOS)
def test_thanos_has_each_flag(services, command):
    """By its own help, which also tells those that are deprecated."""
    program = need("thanos-0.42.4").path
    wanted = given(services[f"thanos-{command}"])

    assert services[f"thanos-{command}"]["command"][0] == command
    assert wanted - asked(program, command) == set()
    _, said = run(program, command, "--help")
    deprecated = set(re.findall(r"--(?:\[no-\])?([a-z0-9._-]+)[^\n]*\n?[^\n]*\(Deprecated", said))
    assert "store.sd-files" in deprecated or command != "query"
    assert wanted & deprecated == set()


SOURCES = ["debian", pytest.param("go", marks=pytest.mark.go)]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_prometheus_and_alertmanager_have_each_flag(services, source, name):
    """The oldest that are supported, and current ones."""
    program = need(VERSIONS[source][name == "alertmanager"]).path

    assert given(services[name]) - asked(program) - HIDDEN == set()


@pytest.mark.parametrize("source", SOURCES)
def test_promtool_and_amtool_accept_what_is_mounted(folder, source):
    """The rules of Thanos' ruler too."""
    prometheus, alertmanager = VERSIONS[source]
    promtool, amtool = tool(prometheus, "promtool"), tool(alertmanager, "amtool")
    rules = sorted((folder / "thanos/rules").glob("*.yml"))

    for command in (
        (promtool, "check", "config", folder / "prometheus/prometheus.yml"),
        (promtool, "check", "rules", *rules),
        (amtool, "check-config", folder / "alertmanager/alertmanager.yml"),
    ):
        status, said = run(*command)
        assert status == 0, said


@pytest.mark.go
def test_loki_accepts_its_configuration(folder):
    """And refuses another key."""
    loki, path = need("loki-3.7.8").path, folder / "loki/loki.yml"

    status, said = run(loki, f"-config.file={path}", "-verify-config")
    assert status == 0, said
    path.write_text(path.read_text().replace("replication_factor", "replications"))
    assert run(loki, f"-config.file={path}", "-verify-config")[0] != 0
