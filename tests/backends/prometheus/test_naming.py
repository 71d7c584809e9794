"""How names, units and labels become Prometheus' own."""

import pytest

from anytel.backend import Series
from anytel_prometheus.family import Family
from anytel_prometheus.naming import label_name, labels, reserved_names
from anytel_prometheus.units import unit_of


def sample(name, kind, unit):
    return Family.of(Series(name, kind, unit, "", (), ())).sample


@pytest.mark.parametrize(
    ("name", "kind", "unit", "expected"),
    [
        ("mcp.calls", "count", "", "mcp_calls_total"),
        ("mcp.calls", "count", "{call}", "mcp_calls_total"),
        ("mcp.calls", "count", "1", "mcp_calls_total"),
        ("http_requests_total", "count", "", "http_requests_total"),
        ("http.requests.total", "count", "{request}", "http_requests_total"),
        ("io.bytes", "count", "By", "io_bytes_total"),
        ("io", "count", "By", "io_bytes_total"),
        ("io.bytes.total", "count", "By", "io_bytes_total"),
        ("total", "count", "", "total_total"),
        ("_total", "count", "", "_total_total"),
        ("cpu.time", "count", "ms", "cpu_time_seconds_total"),
        ("response.time", "distribution", "s", "response_time_seconds"),
        ("response_time_seconds", "distribution", "s", "response_time_seconds"),
        ("response.time", "histogram", "ms", "response_time_seconds"),
        ("response_milliseconds", "histogram", "s", "response_milliseconds_seconds"),
        ("seconds", "histogram", "s", "seconds"),
        ("db.query.time", "histogram", "second", "db_query_time_seconds"),
        ("queue.depth", "gauge", "", "queue_depth"),
        ("queue.depth", "gauge", "{item}", "queue_depth"),
        ("cpu.utilization", "gauge", "1", "cpu_utilization_ratio"),
        ("hit_ratio", "gauge", "1", "hit_ratio"),
        ("batch.size", "histogram", "1", "batch_size"),
        ("disk.used", "gauge", "%", "disk_used_percent"),
        ("disk.io", "gauge", "By/s", "disk_io_bytes_per_second"),
        ("load", "gauge", "{request}/s", "load_per_second"),
        ("speed", "gauge", "m/s", "speed_meters_per_second"),
        ("memory", "gauge", "MiBy", "memory_bytes"),
        ("room.temperature", "gauge", "Cel", "room_temperature_celsius"),
        ("parcels", "gauge", "boxes", "parcels_boxes"),
        ("odd", "gauge", "a b/c-d", "odd_a_b_per_c_d"),
        ("unique.fragments", "set", "", "unique_fragments"),
        ("unique.fragments", "set", "By", "unique_fragments"),
        ("a..b--c", "gauge", "", "a_b_c"),
        ("response.time.", "gauge", "s", "response_time_seconds"),
        ("9lives", "count", "", "_9lives_total"),
        ("job:rate", "gauge", "", "job:rate"),
        ("é", "gauge", "", "_"),
        ("", "gauge", "", "_"),
        ("__x", "gauge", "", "_x"),
    ],
)
def test_a_metric_is_named_as_its_ecosystem_would(name, kind, unit, expected):
    """Dots become underscores, the unit's word ends the name, a counter ends in _total, and nothing is said twice."""
    assert sample(name, kind, unit) == expected


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        ("s", 0.12, 0.12),
        ("ms", 5, 0.005),
        ("ms", 7.5, 0.0075),
        ("us", 3, 0.000003),
        ("µs", 3, 0.000003),
        ("μs", 3, 0.000003),
        ("ns", 1, 1e-9),
        ("min", 2, 120),
        ("h", 1, 3600),
        ("d", 1, 86400),
        ("kBy", 2, 2000),
        ("KiBy", 2, 2048),
        ("GiBy", 1, 2**30),
        ("MBy/s", 1, 10**6),
        ("{call}", 3, 3),
        ("%", 50, 50),
    ],
)
def test_multiples_of_seconds_and_bytes_become_base_units(unit, value, expected):
    """Values are converted exactly: 5 ms is 0.005 s, the nearest number there is."""
    assert unit_of(unit).scaled(value) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("endpoint", "endpoint"),
        ("http.route", "http_route"),
        ("le", "exported_le"),
        ("__name__", "_name_"),
        ("__x", "_x"),
        ("a:b", "a_b"),
        ("1st", "_1st"),
        ("straße", "stra_e"),
        ("", "_"),
    ],
)
def test_a_label_has_a_legal_name_that_is_not_reserved(name, expected):
    """Labels take letters, digits and single underscores only; `le` belongs to buckets."""
    assert label_name(name) == expected


def test_labels_that_become_the_same_are_joined():
    """OpenTelemetry's rule: values joined with a semicolon, in the order of the original names."""
    assert labels((("a.b", "1"), ("a_b", "2"), ("c", "3"))) == {"a_b": "1;2", "c": "3"}


def test_an_empty_label_is_no_label():
    """Prometheus takes an empty label for an absent one, so writing it could make two series of one."""
    assert labels((("a", ""), ("b", "x"))) == {"b": "x"}


def test_a_family_takes_the_names_of_all_its_samples():
    """Nothing else may be called x_count beside a histogram x."""
    assert reserved_names("x", "histogram") == {"x", "x_bucket", "x_count", "x_sum", "x_created"}
    assert reserved_names("x", "counter") == {"x", "x_total", "x_created"}
    assert reserved_names("x", "gauge") == {"x"}
