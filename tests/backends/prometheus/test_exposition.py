"""What a Prometheus server reads, by prometheus_client's own parsers."""

import logging
import math
import shutil
import subprocess

import prometheus_client
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.samples import Timestamp

from anytel.testing.receivers.prometheus import parse
from anytel_prometheus.family import Family
from anytel_prometheus.naming import labels

PLAIN = "text/plain;version=0.0.4"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"
FORMATS = pytest.mark.parametrize("accept", [OPENMETRICS, PLAIN])


def fill(host):
    """Give *host* one metric of every kind, with everything a metric can have."""
    host.add(
        "count", "mcp.calls", 3, {"endpoint": "revalidate", "type": "x"}, description="MCP calls", exemplars={0: 2}
    )
    host.add("count", "mcp.calls", 2.5, {"other": "label"})
    host.add("count", "mcp.calls", 4)
    host.add("gauge", "queue.depth", -12.5, {"queue": "in"}, unit="{item}")
    host.add("set", "unique.fragments", 17, description="Fragments seen")
    bounds, times = (5, 10, 25), [3, 7, 7, 99]
    host.record("histogram", "db.query.time", times, bounds, {"db.system": "pg"}, unit="ms", exemplars={1: 7, 3: 99})
    host.record("distribution", "response.time", [0.1, 2], (0.25, 1), unit="s", description="Response\ntime")


class TestKinds:
    @FORMATS
    def test_a_count_is_a_counter_whose_series_may_differ_in_labels(self, prometheus, accept):
        """Every tag set is a series of the one family."""
        fill(prometheus.host)
        scraped = prometheus.scrape(accept)
        assert scraped.families["mcp_calls"].type == "counter"
        assert scraped.families["mcp_calls"].documentation == "MCP calls"
        assert scraped.value("mcp_calls_total", endpoint="revalidate", type="x") == 3
        assert scraped.value("mcp_calls_total", other="label") == 2.5
        assert scraped.value("mcp_calls_total") == 4

    @FORMATS
    def test_a_gauge_is_a_gauge(self, prometheus, accept):
        """The last value, below zero too."""
        fill(prometheus.host)
        scraped = prometheus.scrape(accept)
        assert scraped.families["queue_depth"].type == "gauge"
        assert scraped.value("queue_depth", queue="in") == -12.5

    @FORMATS
    def test_a_set_is_a_gauge_of_how_many_were_seen(self, prometheus, accept):
        """Its help says over which time."""
        fill(prometheus.host)
        family = prometheus.scrape(accept).families["unique_fragments"]
        assert (family.type, [sample.value for sample in family.samples]) == ("gauge", [17])
        assert family.documentation == "Fragments seen (different values in the last minute)"

    @FORMATS
    def test_a_histogram_has_cumulative_buckets_in_base_units(self, prometheus, accept):
        """Recorded in milliseconds: bounds and sum arrive in seconds."""
        fill(prometheus.host)
        scraped = prometheus.scrape(accept)
        buckets = {sample.labels["le"]: sample.value for sample in scraped.samples("db_query_time_seconds_bucket")}
        assert scraped.families["db_query_time_seconds"].type == "histogram"
        assert buckets == {"0.005": 1, "0.01": 3, "0.025": 3, "+Inf": 4}
        assert scraped.value("db_query_time_seconds_count", db_system="pg") == 4
        assert scraped.value("db_query_time_seconds_sum", db_system="pg") == 0.116

    @FORMATS
    def test_a_distribution_is_a_histogram_too(self, prometheus, accept):
        """Prometheus computes percentiles from buckets."""
        fill(prometheus.host)
        scraped = prometheus.scrape(accept)
        assert scraped.families["response_time_seconds"].type == "histogram"
        assert scraped.value("response_time_seconds_bucket", le="0.25") == 1
        assert scraped.value("response_time_seconds_count") == 2
        assert scraped.value("response_time_seconds_sum") == 2.1
        assert scraped.families["response_time_seconds"].documentation == "Response\ntime"

    def test_a_metric_without_a_description_is_described_by_its_own_name(self, prometheus):
        """The dotted name is where to find it in the application."""
        prometheus.host.add("count", "mcp.calls")
        assert prometheus.scrape().families["mcp_calls"].documentation == "mcp.calls"

    def test_the_unit_is_declared_in_openmetrics(self, prometheus):
        """Where the name ends with it."""
        fill(prometheus.host)
        families = prometheus.scrape().families
        assert families["response_time_seconds"].unit == "seconds"
        assert families["queue_depth"].unit == ""

    def test_a_histogram_of_negative_values_has_no_sum_in_openmetrics(self, prometheus):
        """The sum of a histogram is a counter there, which must not fall; the text format keeps it."""
        prometheus.host.record("distribution", "balance", [-5, 1], (0, 10))
        prometheus.host.record("distribution", "offset", [1, 2], (-1, 10))
        prometheus.host.record("distribution", "delta", [-1, 5], (0, 10))
        strict, plain = prometheus.scrape(OPENMETRICS), prometheus.scrape(PLAIN)
        assert strict.value("balance_bucket", le="+Inf") == 2
        for name in ("balance", "offset", "delta"):
            assert strict.value(f"{name}_sum") is strict.value(f"{name}_count") is None
        assert (plain.value("balance_sum"), plain.value("balance_count"), plain.value("offset_sum")) == (-4, 2, 3)

    @FORMATS
    def test_sums_that_overflow_stay_readable(self, prometheus, accept):
        """Infinity is spelled as Prometheus reads it."""
        prometheus.host.add("count", "big", math.inf)
        prometheus.host.add("gauge", "small", -math.inf)
        prometheus.host.add("gauge", "none", math.nan)
        scraped = prometheus.scrape(accept)
        assert scraped.value("big_total") == math.inf
        assert scraped.value("small") == -math.inf
        assert math.isnan(scraped.value("none"))
        assert "big_total +Inf\n" in scraped.text

    def test_totals_that_grow_are_seen_by_the_next_scrape(self, prometheus):
        """Only the beginnings of lines are kept from one scrape to the next."""
        host = prometheus.host
        host.add("count", "mcp.calls", 1, {"a": "1"})
        assert prometheus.scrape().value("mcp_calls_total", a="1") == 1
        old = host.points.pop()
        host.points.append(type(old)(series=old.series, value=2, count=2, start_ns=0))
        host.add("count", "mcp.calls", 5, {"a": "2"})
        scraped = prometheus.scrape()
        assert (scraped.value("mcp_calls_total", a="1"), scraped.value("mcp_calls_total", a="2")) == (2, 5)


class TestExemplars:
    def test_counters_and_buckets_carry_the_ids_of_the_span(self, prometheus):
        """32 and 16 hex digits, the value in the family's unit, the time to the nanosecond."""
        fill(prometheus.host)
        scraped = prometheus.scrape()
        exemplar = scraped.exemplar("mcp_calls_total", endpoint="revalidate", type="x")
        assert exemplar == ({"trace_id": TRACE, "span_id": SPAN}, 2, Timestamp(1_700_000_000, 123_456_789))
        bucket = scraped.exemplar("db_query_time_seconds_bucket", db_system="pg", le="+Inf")
        assert (bucket.labels["trace_id"], bucket.value) == (TRACE, 0.099)
        assert [found.value for found in scraped.exemplars("db_query_time_seconds_bucket")] == [0.007, 0.099]
        assert scraped.exemplar("mcp_calls_total") is None

    def test_the_text_format_has_none(self, prometheus):
        """Its parsers would refuse them."""
        fill(prometheus.host)
        assert "trace_id" not in prometheus.scrape(PLAIN).text


class TestCollisions:
    def test_of_two_metrics_with_one_name_the_first_stays(self, prometheus, caplog):
        """The second is left out and named in one warning, however often it is scraped and in whichever order."""
        host = prometheus.host
        host.add("count", "a.b", 1)
        prometheus.scrape()
        host.add("count", "a_b", 2)
        host.points.reverse()
        for _ in range(2):
            assert [sample.value for sample in prometheus.scrape().families["a_b"].samples] == [1]
        assert [record.message for record in caplog.records] == [
            "prometheus: metric 'a_b' is left out: the counter 'a.b' already uses the name 'a_b'. Rename one of them."
        ]
        assert (caplog.records[0].name, caplog.records[0].levelno) == ("anytel", logging.WARNING)

    @FORMATS
    def test_a_histogram_owns_the_names_of_its_samples(self, prometheus, caplog, accept):
        """A gauge x.count beside a histogram x would make the exposition ambiguous."""
        prometheus.host.record("histogram", "x", [1], (2,))
        prometheus.host.add("gauge", "x.count", 5)
        scraped = prometheus.scrape(accept)
        assert [family for family in scraped.families if family.startswith("x")] == ["x"]
        assert "metric 'x.count' is left out: the histogram 'x' already uses" in caplog.text

    @FORMATS
    def test_a_gauge_may_come_first(self, prometheus, caplog, accept):
        """Then the histogram is the one left out."""
        prometheus.host.add("gauge", "x.count", 5)
        prometheus.host.record("histogram", "x", [1], (2,))
        assert prometheus.scrape(accept).value("x_count") == 5
        assert "metric 'x' is left out: the gauge 'x.count' already uses" in caplog.text

    def test_of_two_tag_sets_with_the_same_labels_the_first_stays(self, prometheus, caplog):
        """A duplicate sample would make Prometheus refuse the scrape."""
        prometheus.host.add("count", "calls", 1, {"http.route": "/"})
        prometheus.host.add("count", "calls", 2, {"http_route": "/"})
        for _ in range(2):
            assert [sample.value for sample in prometheus.scrape().samples("calls_total")] == [1]
        (record,) = caplog.records
        assert record.message == (
            "prometheus: a series of metric 'calls' is left out: two of its tag sets become the same labels. "
            "Rename one of them."
        )

    def test_series_of_different_kinds_and_one_name_do_not_mix(self, prometheus):
        """Families are typed: what would be a second type is left out."""
        prometheus.host.add("gauge", "jobs", 1)
        prometheus.host.add("count", "jobs", 2)
        scraped = prometheus.scrape()
        assert (scraped.value("jobs"), scraped.value("jobs_total")) == (1, None)


NAMES = st.text(max_size=20) | st.sampled_from(
    ["le", "__name__", "a.b", "a_b", "x", "x.count", "x_sum", "x.total", "quantile"]
)
VALUES = st.text(max_size=30) | st.sampled_from(
    ["\\", '"', "\n", '\\"', "\\n", 'a="b",c="d"}', "} 1 # {", "# EOF", "\r\n"]
)
NUMBERS = st.floats(min_value=0, allow_nan=False, allow_infinity=False) | st.integers(0, 2**63 - 1)
METRICS = st.tuples(
    st.sampled_from(["count", "gauge", "set"]),
    NAMES,
    NUMBERS,
    st.text(max_size=6) | st.sampled_from(["s", "ms", "By/s", "1", "{x"]),
    VALUES,
)


class TestHostileInput:
    @given(metric=METRICS, tags=st.dictionaries(NAMES, VALUES, max_size=4))
    @example(metric=("count", "", 0, "", '\\n"\n'), tags={"": '\\"\n'})
    @settings(max_examples=150, deadline=None)
    def test_nothing_breaks_the_parsers(self, open_prometheus, metric, tags):
        """Whatever names and texts hold, both formats parse to one sample with the values that went in."""
        kind, name, value, unit, description = metric
        prometheus = open_prometheus()
        try:
            prometheus.host.add(kind, name, value, tags, unit=unit, description=description, exemplars={0: value})
            strict = self.only_sample(prometheus.scrape(OPENMETRICS))
            plain = self.only_sample(prometheus.scrape(PLAIN))
        finally:
            prometheus.close()
        assert (strict.name, strict.labels, float(strict.value)) == (plain.name, plain.labels, float(plain.value))
        assert strict.labels == labels(sorted(tags.items()))
        assert strict.value == Family.of(prometheus.host.points[0].series).unit.scaled(value)

    @given(values=st.lists(st.tuples(NAMES, VALUES), min_size=2, max_size=8))
    @settings(max_examples=100, deadline=None)
    def test_any_mix_of_metrics_is_one_valid_exposition(self, open_prometheus, values):
        """Names that collide cost one metric, never the scrape."""
        prometheus = open_prometheus()
        try:
            for index, (name, tag) in enumerate(values):
                if index % 2:
                    prometheus.host.record("histogram", name, [1, -1, 3], (0, 2), {tag: name}, description=tag)
                else:
                    prometheus.host.add("count" if index % 4 else "gauge", name, 1, {tag: name}, description=tag)
            families = [prometheus.scrape(accept).families for accept in (OPENMETRICS, PLAIN)]
        finally:
            prometheus.close()
        assert families[0].keys() == families[1].keys()

    @given(value=VALUES.filter(lambda text: text.strip() == text != ""))
    @settings(max_examples=150, deadline=None)
    def test_label_values_and_help_come_back_as_they_were(self, open_prometheus, value):
        """Backslashes, quotes and newlines are escaped, and everything else is left alone."""
        prometheus = open_prometheus()
        try:
            prometheus.host.add("gauge", "hostile", 1, {"tag": value}, description=value)
            scraped = prometheus.scrape(OPENMETRICS)
            plain = prometheus.scrape(PLAIN)
        finally:
            prometheus.close()
        assert scraped.value("hostile", tag=value) == plain.value("hostile", tag=value) == 1
        assert scraped.families["hostile"].documentation == value

    @staticmethod
    def only_sample(scraped):
        own = [family for family in scraped.families.values() if not family.name.startswith(("python_", "process_"))]
        (found,) = (sample for family in own for sample in family.samples)
        return found


class TestRegistry:
    def test_the_default_registry_shows_the_same_samples(self, prometheus):
        """Whoever uses prometheus_client's own exposition sees what our endpoint says, exemplars included."""
        fill(prometheus.host)
        prometheus.host.record("distribution", "balance", [-5, 1], (0, 10))
        ours, theirs = prometheus.scrape(), parse(generate_openmetrics(prometheus_client.REGISTRY), OPENMETRICS)
        names = {
            "mcp_calls",
            "queue_depth",
            "unique_fragments",
            "db_query_time_seconds",
            "response_time_seconds",
            "balance",
        }
        assert names <= ours.families.keys() == theirs.families.keys()
        for name in names:
            assert ours.families[name] == theirs.families[name]

    def test_plain_text_of_the_default_registry_is_the_same_too(self, prometheus):
        """As any make_asgi_app or start_http_server of prometheus_client would serve it."""
        fill(prometheus.host)
        ours = prometheus.scrape(PLAIN)
        theirs = parse(prometheus_client.generate_latest(), PLAIN)
        assert ours.families["mcp_calls"] == theirs.families["mcp_calls"]
        assert ours.families["db_query_time_seconds"] == theirs.families["db_query_time_seconds"]

    @FORMATS
    def test_the_applications_collectors_are_served_with_ours(self, prometheus, accept):
        """One exposition, one end, and the default collectors of the process are there once."""
        orders = prometheus_client.Counter("orders", "Orders", ["shop"])
        try:
            orders.labels("a").inc(2)
            fill(prometheus.host)
            scraped = prometheus.scrape(accept)
        finally:
            prometheus_client.REGISTRY.unregister(orders)
        assert scraped.value("orders_total", shop="a") == 2
        assert scraped.value("mcp_calls_total") == 4
        assert "python_info" in scraped.families or "python" in scraped.families
        assert scraped.text.count("# EOF") == (accept == OPENMETRICS)

    @FORMATS
    def test_a_name_that_the_application_uses_stays_the_applications(self, prometheus, caplog, accept):
        """Its dashboards were there first; the warning says which metric is missing."""
        calls = prometheus_client.Counter("mcp_calls", "The application's own", ["unused"])
        try:
            fill(prometheus.host)
            scraped = prometheus.scrape(accept)
            everybody = parse(generate_openmetrics(prometheus_client.REGISTRY), OPENMETRICS)
        finally:
            prometheus_client.REGISTRY.unregister(calls)
        for family in (scraped.families["mcp_calls"], everybody.families["mcp_calls"]):
            assert (family.documentation, family.samples) == ("The application's own", [])
        assert scraped.value("queue_depth", queue="in") == -12.5
        (record,) = caplog.records
        assert record.message == (
            "prometheus: metric 'mcp.calls' is left out: a collector of the application already uses the name "
            "'mcp_calls'. Rename one of them."
        )

    def test_a_collector_that_raises_does_not_hide_our_metrics(self, prometheus, caplog):
        """It is reported once, with its traceback."""

        class Broken:
            def describe(self):
                return ()

            def collect(self):
                raise OSError("gone")

        broken = Broken()
        prometheus_client.REGISTRY.register(broken)
        try:
            fill(prometheus.host)
            values = [prometheus.scrape().value("mcp_calls_total") for _ in range(2)]
        finally:
            prometheus_client.REGISTRY.unregister(broken)
        assert values == [4, 4]
        (record,) = caplog.records
        assert "a collector of the application failed" in record.message
        assert record.exc_info[0] is OSError


class TestNegotiation:
    @pytest.mark.parametrize(
        ("accept", "content_type"),
        [
            ("", "text/plain; version=0.0.4"),
            ("*/*", "text/plain; version=0.0.4"),
            ("text/plain;version=0.0.4", "text/plain; version=0.0.4"),
            ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0"),
            ("application/openmetrics-text;version=1.0.0,text/plain", "application/openmetrics-text; version=1.0.0"),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.1",
                "application/openmetrics-text; version=1.0.0",
            ),
        ],
    )
    def test_the_format_is_the_one_that_is_asked_for(self, prometheus, accept, content_type):
        """Prometheus asks for OpenMetrics; browsers and curl get the text format."""
        fill(prometheus.host)
        scraped = prometheus.scrape(accept)
        assert scraped.content_type.startswith(content_type)
        assert scraped.text.endswith("# EOF\n") == ("openmetrics" in content_type)
        assert scraped.value("mcp_calls_total") == 4


def test_promtool_finds_nothing_to_complain_about(prometheus):
    """Prometheus' own linter accepts names, types and help."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    fill(prometheus.host)
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=prometheus.scrape(PLAIN).text.encode(), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
