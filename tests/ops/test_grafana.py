"""Dashboards on real data: the types and grammars of Grafana's own packages, and a Prometheus that scrapes the demo."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
import yaml

from anytel.generate import Options, generate
from anytel.generate.checking import check
from anytel.generate.spelling import speller
from generate import samples
from ops.promql_reference import Reference, same
from ops.scraped import api, labels, milliseconds, scraped
from ops.servers import write
from real.processes import need

SOURCES = ["debian", pytest.param("go", marks=pytest.mark.go)]
WINDOW = "10s"
"""Stands for the time that is shown, and for the interval of a rate."""
CLOSE = 200
"""Milliseconds before a rule in which a scrape may not have been finished."""


@pytest.fixture(autouse=True)
def packages(monkeypatch):
    """Have the checks find Grafana's packages."""
    monkeypatch.setenv("GRAFANA_MODULES", str(need("grafana-packages-13.2.1").folder / "node_modules"))


def outcomes(folder, *names):
    return [one for one in check(folder) if one.check in names]


@pytest.mark.parametrize("sample", [samples.demo, samples.shop])
def test_grafanas_types_and_grammars_accept_every_panel(tmp_path, sample):
    """Of both services; nothing is skipped."""
    write(tmp_path, generate("grafana", sample(), Options(service="shop")))
    found = outcomes(tmp_path, "tsc @grafana/schema", "grammars")

    assert [one for one in found if one.outcome != "passed"] == []
    assert len(found) == 8


def panel(data, kind):
    return next(one for one in data["panels"] if one["type"] == kind)


BROKEN = [
    (lambda d: panel(d, "stat")["options"].update(colorMode="thresholds"), "tsc @grafana/schema", '"background"'),
    (lambda d: panel(d, "stat")["options"].update(graphMod="area"), "tsc @grafana/schema", '"graphMod"'),
    (lambda d: panel(d, "gauge")["options"].update(shape="round"), "tsc @grafana/schema", '"gauge"'),
    (lambda d: panel(d, "heatmap")["options"]["color"].update(mode="spectrum"), "tsc @grafana/schema", '"scheme"'),
    (lambda d: panel(d, "table")["options"].update(footer={}), "tsc @grafana/schema", '"footer"'),
    (lambda d: panel(d, "bargauge")["options"].update(displayMode="bars"), "tsc @grafana/schema", '"lcd"'),
    (lambda d: panel(d, "piechart")["options"].update(pieType="cake"), "tsc @grafana/schema", '"donut"'),
    (lambda d: panel(d, "logs")["options"].update(sortOrder="Down"), "tsc @grafana/schema", '"Descending"'),
    (
        lambda d: panel(d, "timeseries")["fieldConfig"]["defaults"]["custom"].update(drawStyle="lines"),
        "tsc @grafana/schema",
        '"line"',
    ),
    (lambda d: panel(d, "timeseries").update(thresholds=[]), "tsc @grafana/schema", '"thresholds"'),
    (lambda d: d.update(schemaVersion="42"), "tsc @grafana/schema", "'number'"),
    (lambda d: panel(d, "logs")["targets"][0].update(expr='{a="b"} |= '), "grammars", "LogQL cannot be read"),
    (lambda d: panel(d, "stat")["targets"][0].update(expr="rate(x[5m]) by (a)"), "grammars", "its character 13"),
]


@pytest.mark.parametrize(("broken", "name", "told"), BROKEN)
def test_what_a_panel_does_not_have_is_refused_with_what_it_has(tmp_path, broken, name, told):
    """With the file and the panel."""
    write(tmp_path, generate("grafana", samples.demo(), Options(service="shop")))
    path = tmp_path / "grafana/dashboards/service.json"
    data = json.loads(path.read_text())
    broken(data)
    path.write_text(json.dumps(data))
    found = next(one for one in outcomes(tmp_path, name) if one.outcome == "failed")

    assert found.file == "grafana/dashboards/service.json"
    assert told in found.detail


@pytest.fixture(scope="module", params=SOURCES)
def world(request, tmp_path_factory):
    """Give a Prometheus that has scraped the demo under traffic, and the reference for what it has."""
    folder = tmp_path_factory.mktemp("grafana")
    with scraped(request.param, folder, samples.demo(), 16) as made:
        yield SimpleNamespace(made=made, reference=reference(made, old=request.param == "debian"))


def reference(world, *, old):
    """Make the reference of what was scraped, then of what rules have recorded of it, each value compared."""
    made = Reference(world.instance, old=old)
    spell = speller("prometheus")
    for (time, value), points in zip(world.scrapes, world.batches, strict=False):
        assert value == 1
        made.scraped(points, time, world.catalogue.instruments, spell)
    made.recorded = {}
    for path in sorted((world.folder / "prometheus/rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "record" in rule:
                    made.recorded[path.stem, rule["record"]] = compared(world, made, rule)
    return made


def compared(world, made, rule):
    """Take what a rule has recorded into the reference; give how many values are as they should be, and are not."""
    last, wanted = world.scrapes[-1][0], rule.get("labels", {}).items()
    selector = f"{rule['record']}{{{','.join(f'{name}={json.dumps(value)}' for name, value in wanted)}}}"
    right, wrong = 0, []
    for one in api(world.url, f"{selector}[10m]", last):
        for time, value in milliseconds(one["values"]):
            series = labels(one["metric"])
            expected = [named(found, wanted).get(series) for found in both(made, rule["expr"], time)]
            if any(known is not None and same(known, value) for known in expected):
                right += 1
            else:
                wrong.append((time, dict(series), value, expected))
            made.add(rule["record"], series, time, value)
    return right, wrong


def named(found, more):
    """Give values with the labels that a rule adds."""
    return {frozenset({**dict(series), **dict(more)}.items()): value for series, value in found.items()}


def both(made, expr, time):
    """Give what is right with and without a scrape that began just before, and may not have been finished."""
    yield made.value(expr, time)
    made.unseen = {time - late for late in range(CLOSE)}
    yield made.value(expr, time)
    made.unseen = set()


def expressions(world):
    for path in sorted((world.made.folder / "grafana/dashboards").glob("*.json")):
        for one in json.loads(path.read_text())["panels"]:
            for target in one.get("targets", ()):
                if target["datasource"]["type"] == "prometheus":
                    expr = re.sub(r"\$__(rate_interval|range)", WINDOW, target["expr"])
                    yield f"{path.stem}, {one['title']}", re.sub(r'"\$\w+"', '".*"', expr)


@pytest.mark.timeout(180)
def test_every_panel_shows_what_the_memory_says(world):
    """Each query of each dashboard, by a real Prometheus: the same series with the same values, and some for each."""
    time = world.made.scrapes[-1][0] + 50
    asked = list(expressions(world))
    assert len(asked) > 80
    for place, expr in asked:
        found = {labels(one["metric"]): float(one["value"][1]) for one in api(world.made.url, expr, time)}
        expected = world.reference.value(expr, time)
        assert found, f"{place}: no data: {expr}"
        assert found.keys() == expected.keys(), f"{place}: {expr}"
        for series, value in found.items():
            assert same(value, expected[series]), f"{place}: {dict(series)}: {value}, not {expected[series]}: {expr}"


@pytest.mark.timeout(180)
def test_every_rule_records_what_the_memory_says(world):
    """Each value that it has recorded."""
    for rule, (right, wrong) in world.reference.recorded.items():
        assert not wrong, f"{rule}: {wrong[:3]}"
        assert right, f"{rule} has recorded nothing"


@pytest.mark.timeout(180)
def test_a_live_prometheus_has_what_the_panels_ask_for(world):
    """As `anytel check --live` finds it: there is no metric that is not there."""
    found = [one for one in check(world.made.folder, world.made.catalogue, world.made.url) if one.check == "live"]

    assert len([one for one in found if one.outcome == "passed"]) > 50
    assert [one.detail for one in found if one.outcome == "failed"] == []
