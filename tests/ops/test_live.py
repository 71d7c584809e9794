"""A running Prometheus with the generated configuration: it scrapes, evaluates every rule, and has every series."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

import anytel
import anytel_prometheus
from anytel.catalogue import Catalogue
from anytel.generate import Options, generate
from anytel.generate.checking import check
from anytel.generate.writer import write
from generate.shop import Shop
from real.processes import free_ports, running
from real.web import await_value, get, get_json

pytestmark = pytest.mark.timeout(180)


def traffic(shop):
    """Record to every metric, with every value of its tags."""
    for endpoint in ("revalidate", "skills"):
        for outcome in ("ok", "error"):
            shop.calls.add(10, {"endpoint": endpoint, "outcome": outcome})
        shop.time.record(120, {"endpoint": endpoint, "http.response.status_code": 200})
    shop.errors.add()
    shop.depth.set(3, {"queue": "mail"})
    shop.disk.set(1000)
    shop.users.add("somebody")


@pytest.fixture
def shop():
    """Give a shop that serves its metrics, and where."""
    shop = Shop()
    shop.declare()
    anytel.configure(service="shop", backends="prometheus", log_format="json")
    server = anytel_prometheus.start_http_server()
    yield shop, urlsplit(server.url)
    server.close()


@pytest.fixture
def folder(tmp_path, shop):
    """Give what is generated for it, with short intervals."""
    _, address = shop
    options = Options(
        service="shop",
        scrape=(address.netloc,),
        metrics_path=address.path or "/metrics",
        scrape_interval="1s",
        evaluation_interval="1s",
    )
    write(tmp_path, {"prometheus": generate("prometheus", Catalogue.declared("shop.telemetry"), options)})
    return tmp_path


@pytest.fixture
def prometheus(prometheus_tool, folder):
    """Give the address of a Prometheus that was started with the generated configuration as it is."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    flags = "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"
    with running([prometheus_tool.path, *flags], folder / "prometheus", lambda: get(f"{url}/-/ready")):
        yield url


def test_every_rule_is_evaluated_and_every_series_is_there(shop, folder, prometheus):
    """Nothing that a rule reads is missing; what has not happened is noted, and is no metric that is not there."""
    catalogue = Catalogue.declared("shop.telemetry")

    def findings():
        traffic(shop[0])
        return [one for one in check(folder, catalogue, prometheus) if one.check == "live"]

    def settled(found):
        names = {one.detail.partition(" matches")[0] for one in found if one.outcome != "passed"}
        return names == {"no series of up", "no series of response_time_seconds_count"}

    found = await_value(findings, settled, timeout=90)
    assert len([one for one in found if one.outcome == "passed"]) > 60
    groups = get_json(f"{prometheus}/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}, [rule for rule in rules if rule["health"] != "ok"]
    assert len(groups) == len(list(folder.glob("prometheus/rules/*.yml")))


def test_a_metric_that_is_not_served_fails(shop, folder, prometheus):
    """Though it is declared, and its rules are right: nothing was ever recorded to it."""
    failed = await_value(
        lambda: [one.detail for one in check(folder, None, prometheus) if one.outcome == "failed"],
        lambda failed: any("mcp_calls_total" in one for one in failed),
    )
    assert any(one.startswith("there is no queue_depth") for one in failed)
