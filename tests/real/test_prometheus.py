"""A Prometheus server scrapes us: its answers to queries are what was recorded."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from real.prometheus import lint, prometheus
from real.web import await_value, get

SERVICE = Path(__file__).parent / "scripts" / "scraped.py"
VERSIONS = ["debian", pytest.param("3.16.0", marks=pytest.mark.go)]


@contextmanager
def service(log):
    """Run a service that has recorded its metrics; give what it says of itself."""
    settings = {
        "TELEMETRY_BACKENDS": "prometheus",
        "TELEMETRY_SERVICE": "shop",
        "OTEL_EXPORTER_PROMETHEUS_PORT": "0",
        "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1",
    }
    command = [sys.executable, SERVICE]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
    with subprocess.Popen(command, env={**os.environ, **settings}, **streams) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(20)


class Scraped:
    """A server that has scraped the service, and what the service said."""

    def __init__(self, version, server, said):
        self.version, self.server, self.said = version, server, said
        self.query, self.exemplars = server.query, server.exemplars


@pytest.fixture(scope="module", params=VERSIONS)
def scraped(request, folder):
    with ExitStack() as stack:
        where = folder("prometheus")
        said = stack.enter_context(service(stack.enter_context((where / "service.log").open("wb"))))
        server = stack.enter_context(prometheus(request.param, said["url"], where))
        await_value(lambda: server.query("users_active"))  # the first scrape comes some five seconds after the start
        yield Scraped(request.param, server, said)


def labelled(*pairs):
    return frozenset(pairs)


def test_the_server_is_the_one_that_is_meant(scraped):
    """Debian's server knows its version; the build from Go does not, but answers a query that only 3.x understands."""
    if scraped.version == "debian":
        assert scraped.server.version().startswith("2.")
    else:
        assert len(scraped.query('{"mcp_calls_total"}')) == 2


def test_the_scrape_has_no_error(scraped):
    """The target is up, and its last scrape was read to the end."""
    target = scraped.server.target()

    assert (target["health"], target["lastError"]) == ("up", "")
    assert scraped.query("up") == {labelled(): 1}


def test_a_counter_has_its_values_whatever_is_in_a_label(scraped):
    """Newlines, quotes and backslashes of a tag are a label's value again."""
    assert scraped.query("mcp_calls_total") == {
        labelled(("endpoint", "search")): 2,
        labelled(("endpoint", 'a\n"b"\\ é')): 1,
    }


def test_a_histogram_has_its_declared_buckets_in_seconds(scraped):
    """Milliseconds become seconds, in the bounds, the sum and the name; the median lies where it must."""
    assert scraped.query("response_time_seconds_bucket") == {
        labelled(("le", "0.01")): 1,
        labelled(("le", "0.1")): 2,
        labelled(("le", "+Inf")): 2,
    }
    assert scraped.query("response_time_seconds_sum") == {labelled(): pytest.approx(0.055)}
    assert scraped.query("response_time_seconds_count") == {labelled(): 2}
    assert scraped.query("histogram_quantile(0.75, response_time_seconds_bucket)") == {labelled(): pytest.approx(0.055)}


def test_distributions_gauges_and_sets_have_their_values(scraped):
    """A distribution is a histogram, a set is a gauge of how many, a ratio is named so."""
    assert scraped.query("payment_time_seconds_count") == {labelled(("provider", "visa")): 1}
    assert scraped.query("payment_time_seconds_sum") == {labelled(("provider", "visa")): 0.25}
    assert scraped.query('payment_time_seconds_bucket{le="0.1"}') == {labelled(("provider", "visa"), ("le", "0.1")): 0}
    assert scraped.query("queue_depth") == {labelled(): 12}
    assert scraped.query("cache_hits_ratio") == {labelled(): 0.5}
    assert scraped.query("users_active") == {labelled(): 2}


def test_exemplars_lead_to_the_trace(scraped):
    """What was recorded in a span has its ids, in the bucket of its value; what was not has none."""
    found = scraped.exemplars('{job="shop"}')

    ids = {(one["labels"]["trace_id"], one["labels"]["span_id"]) for one in found}
    where = {(one["series"]["__name__"], one["series"].get("le"), one["value"]) for one in found}
    assert ids == {(scraped.said["trace_id"], scraped.said["span_id"])}
    assert where == {
        ("mcp_calls_total", None, 2.0),
        ("mcp_calls_total", None, 1.0),
        ("response_time_seconds_bucket", "0.01", 0.005),
        ("response_time_seconds_bucket", "0.1", 0.05),
    }


def test_types_units_and_descriptions_are_known_to_the_server(scraped):
    """They come with the scrape, as OpenMetrics has them."""
    metadata = scraped.server.metadata()

    names = ("mcp_calls", "response_time_seconds", "queue_depth", "cache_hits_ratio", "users_active")
    assert {name: (metadata[name]["type"], metadata[name]["unit"]) for name in names} == {
        "mcp_calls": ("counter", ""),
        "response_time_seconds": ("histogram", "seconds"),
        "queue_depth": ("gauge", ""),
        "cache_hits_ratio": ("gauge", "ratio"),
        "users_active": ("gauge", ""),
    }
    assert metadata["mcp_calls"]["help"] == 'Calls, of "all"\nkinds \\ kin'


def test_promtool_has_nothing_to_say(scraped):
    """The text format passes the linter of Prometheus' own makers, which does find what is wrong."""
    exposition = get(scraped.said["url"], Accept="text/plain;version=0.0.4")

    assert b"mcp_calls_total" in exposition
    assert lint(scraped.version, exposition) == (0, "")
    assert lint(scraped.version, exposition.replace(b"mcp_calls_total", b"mcp_calls_Number"))[0] != 0
