"""OpenTelemetry's own settings, and what is said of wrong ones."""

import pytest

from anytel.backend import ConfigError
from anytel_otlp import OtlpBackend
from anytel_otlp.settings import Settings, Tls

PREFIX = "OTEL_EXPORTER_OTLP_"
PREFERENCE = f"{PREFIX}METRICS_TEMPORALITY_PREFERENCE"
AGGREGATION = f"{PREFIX}METRICS_DEFAULT_HISTOGRAM_AGGREGATION"


def read(environment, **variables):
    for name, value in variables.items():
        environment.setenv(name if name.startswith("OTEL") else PREFIX + name, value)
    return Settings.read(None, None, None)


def test_nothing_set_is_a_collector_on_this_machine(environment):
    """As the specification says: its HTTP port, totals, no compression, ten seconds."""
    settings = read(environment)
    assert settings.traces.url == "http://localhost:4318/v1/traces"
    assert (settings.logs.compression, settings.logs.timeout, settings.logs.headers) == ("none", 10.0, {})
    assert (settings.temporality, settings.exponential, settings.logs.tls) == ("cumulative", False, Tls())


@pytest.mark.parametrize(
    ("variables", "traces", "metrics"),
    [
        ({"ENDPOINT": "http://c:4318"}, "http://c:4318/v1/traces", "http://c:4318/v1/metrics"),
        ({"ENDPOINT": "http://c:4318/"}, "http://c:4318/v1/traces", "http://c:4318/v1/metrics"),
        ({"ENDPOINT": "https://c/otlp"}, "https://c/otlp/v1/traces", "https://c/otlp/v1/metrics"),
        ({"ENDPOINT": "https://c/otlp/?a=b"}, "https://c/otlp/v1/traces?a=b", "https://c/otlp/v1/metrics?a=b"),
        (
            {"ENDPOINT": "http://c", "TRACES_ENDPOINT": "http://t/x"},
            "http://t/x",
            "http://c/v1/metrics",
        ),
        ({"TRACES_ENDPOINT": "http://t:4318"}, "http://t:4318/", "http://localhost:4318/v1/metrics"),
        (
            {"ENDPOINT": " ", "TRACES_ENDPOINT": ""},
            "http://localhost:4318/v1/traces",
            "http://localhost:4318/v1/metrics",
        ),
    ],
)
def test_a_signals_own_endpoint_is_taken_as_it_is_and_the_common_one_gets_the_signals_path(
    environment, variables, traces, metrics
):
    """The rules of paths of the specification."""
    settings = read(environment, **variables)
    assert (settings.traces.url, settings.metrics.url) == (traces, metrics)


def test_a_signals_own_setting_beats_the_common_one(environment):
    """Of headers, timeout, compression and certificates."""
    common = {"HEADERS": "a=1", "TIMEOUT": "5", "COMPRESSION": "gzip", "CERTIFICATE": "ca.pem", "CLIENT_KEY": "k.pem"}
    own = {"LOGS_HEADERS": "b=2", "LOGS_TIMEOUT": "0.5", "LOGS_COMPRESSION": "deflate", "LOGS_CERTIFICATE": "logs.pem"}
    settings = read(environment, **common, **own)
    traces, logs = settings.traces, settings.logs
    assert (traces.headers, traces.timeout, traces.compression) == ({"a": "1"}, 5.0, "gzip")
    assert (logs.headers, logs.timeout, logs.compression) == ({"b": "2"}, 0.5, "deflate")
    assert [file.path for file in traces.tls] == ["ca.pem", "k.pem", ""]
    assert [file.path for file in logs.tls] == ["logs.pem", "k.pem", ""]


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("api-key=abc", {"api-key": "abc"}),
        ("Authorization=Basic%20QTpC", {"authorization": "Basic QTpC"}),
        ("Authorization=Basic QTpC==", {"authorization": "Basic QTpC=="}),
        (" a = 1 , b=2%2C3 ,", {"a": "1", "b": "2,3"}),
        ("empty=", {"empty": ""}),
    ],
)
def test_headers_are_pairs_whose_values_are_percent_encoded(environment, text, headers):
    """As in W3C Baggage; a value may hold an equals sign, as base64 does."""
    assert read(environment, HEADERS=text).metrics.headers == headers


def test_a_login_in_the_endpoint_is_a_header(environment):
    """And no error shows it."""
    settings = read(environment, ENDPOINT="http://me:p%40ss@c:4318", METRICS_HEADERS="authorization=other")
    assert (settings.traces.url, settings.traces.headers) == (
        "http://c:4318/v1/traces",
        {"authorization": "Basic bWU6cEBzcw=="},
    )
    assert settings.metrics.headers == {"authorization": "other"}
    with pytest.raises(ConfigError) as caught:
        read(environment, ENDPOINT="http://me:secret@c:port")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "temporality"), [("cumulative", "cumulative"), ("DELTA", "delta"), ("LowMemory", "delta")]
)
def test_the_preference_chooses_what_the_backend_asks_for(environment, value, temporality):
    """Of a pipeline that asks the instance: every other one may want the other."""
    environment.setenv(PREFERENCE, value)
    assert OtlpBackend().metric_flow == temporality
    assert OtlpBackend(temporality="cumulative").metric_flow == "cumulative"


def test_arguments_beat_the_environment(environment):
    """Also a signal's own variable."""
    environment.setenv(f"{PREFIX}TRACES_ENDPOINT", "nonsense")
    environment.setenv(f"{PREFIX}HEADERS", "nonsense")
    settings = Settings.read("http://argument:2", {"X-Key": "v"}, "delta")
    assert settings.traces.url == "http://argument:2/v1/traces"
    assert (settings.traces.headers, settings.temporality) == ({"x-key": "v"}, "delta")


def test_exponential_histograms_need_increments(environment):
    """With which they are switched on."""
    settings = read(environment, **{PREFERENCE: "delta", AGGREGATION: "base2_exponential_bucket_histogram"})
    assert settings.exponential
    environment.setenv(PREFERENCE, "cumulative")
    with pytest.raises(ConfigError, match=f"Set {PREFERENCE}=delta"):
        OtlpBackend()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("ENDPOINT", "localhost:4318", "it has no scheme"),
        ("ENDPOINT", "grpc://c:4317", "it has no scheme"),
        ("TRACES_ENDPOINT", "http://", "it has no scheme"),
        ("ENDPOINT", "http://c:port", "this is not a URL"),
        ("PROTOCOL", "grpc", "this backend speaks OTLP over HTTP with protobuf only"),
        ("METRICS_PROTOCOL", "http/json", "this backend speaks OTLP over HTTP with protobuf only"),
        ("TIMEOUT", "soon", "this is not a time"),
        ("TIMEOUT", "0", "this is not a time"),
        ("COMPRESSION", "zstd", "there is no such compression"),
        ("METRICS_TEMPORALITY_PREFERENCE", "both", "there is no such temporality"),
        ("METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "summary", "there is no such aggregation"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_origin_and_remedy(environment, name, value, problem):
    """One error, before anything is opened."""
    environment.setenv(PREFIX + name, value)
    with pytest.raises(ConfigError) as caught:
        OtlpBackend()
    error = caught.value
    assert (error.setting, error.value, error.origin) == (PREFIX + name, value, "the environment")
    assert error.problem.startswith(problem)
    assert error.fix.startswith(("Use ", "Give "))


@pytest.mark.parametrize("text", ["secret", "api key=secret", "k=secr\u00e9t", "k=secret%0Ax: y"])
def test_wrong_headers_are_not_shown(environment, text):
    """They hold keys."""
    environment.setenv(f"{PREFIX}HEADERS", text)
    with pytest.raises(ConfigError) as caught:
        OtlpBackend()
    assert "secr" not in str(caught.value)


def test_http_protobuf_may_be_asked_for(environment):
    """It is what is spoken."""
    assert read(environment, PROTOCOL="http/protobuf", TRACES_PROTOCOL="HTTP/Protobuf").traces


@pytest.mark.parametrize("name", ["CERTIFICATE", "CLIENT_CERTIFICATE", "LOGS_CERTIFICATE"])
def test_a_certificate_that_cannot_be_read_is_named_when_the_backend_is_opened(environment, host, name):
    """With the variable that says where it is."""
    environment.setenv(f"{PREFIX}{name}", "/nowhere.pem")
    backend = OtlpBackend("https://localhost:1")
    with pytest.raises(ConfigError, match=f"{PREFIX}{name}='/nowhere.pem'"):
        backend.open(host)
