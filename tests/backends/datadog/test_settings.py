"""The vendor's own settings, and what is said of wrong ones."""

import subprocess
import sys

import pytest

from anytel.backend import ConfigError
from anytel_datadog import DatadogBackend
from anytel_datadog.settings import AgentAddress, Settings, StatsdAddress


def read(environment, **variables):
    for name, value in variables.items():
        environment.setenv(name, value)
    return Settings.read(None, None)


def test_nothing_set_is_the_local_agent(environment):
    """At the Agent's own ports, without any credential."""
    settings = read(environment)
    assert settings.agent == AgentAddress("localhost", 8126)
    assert settings.statsd == StatsdAddress("localhost", 8125)
    assert settings.tags == {}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DD_TRACE_AGENT_URL": "http://agent:9126"}, AgentAddress("agent", 9126)),
        ({"DD_TRACE_AGENT_URL": "http://agent"}, AgentAddress("agent", 8126)),
        ({"DD_TRACE_AGENT_URL": "http://[::1]:9/x/"}, AgentAddress("::1", 9, "", "/x")),
        ({"DD_TRACE_AGENT_URL": "unix:///var/run/apm.socket"}, AgentAddress(socket="/var/run/apm.socket")),
        ({"DD_AGENT_HOST": "agent"}, AgentAddress("agent", 8126)),
        ({"DD_AGENT_HOST": "::1", "DD_TRACE_AGENT_PORT": "9"}, AgentAddress("::1", 9)),
        ({"DD_TRACE_AGENT_PORT": "9"}, AgentAddress("localhost", 9)),
        ({"DD_TRACE_AGENT_URL": "http://a:1", "DD_AGENT_HOST": "b"}, AgentAddress("a", 1)),
        ({"DD_TRACE_AGENT_URL": " ", "DD_AGENT_HOST": ""}, AgentAddress("localhost", 8126)),
    ],
)
def test_the_trace_agent_is_where_the_environment_says(environment, variables, expected):
    """The URL beats host and port."""
    assert read(environment, **variables).agent == expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DD_DOGSTATSD_URL": "udp://agent:9125"}, StatsdAddress("agent", 9125)),
        ({"DD_DOGSTATSD_URL": "udp://agent"}, StatsdAddress("agent", 8125)),
        ({"DD_DOGSTATSD_URL": "unix:///run/dsd.socket"}, StatsdAddress(socket="unix:///run/dsd.socket")),
        ({"DD_DOGSTATSD_URL": "unixstream:///run/s"}, StatsdAddress(socket="unixstream:///run/s")),
        ({"DD_AGENT_HOST": "agent"}, StatsdAddress("agent", 8125)),
        ({"DD_AGENT_HOST": "agent", "DD_DOGSTATSD_HOST": "other"}, StatsdAddress("other", 8125)),
        ({"DD_DOGSTATSD_PORT": "9"}, StatsdAddress("localhost", 9)),
    ],
)
def test_dogstatsd_is_where_the_environment_says(environment, variables, expected):
    """The URL beats host and port."""
    assert read(environment, **variables).statsd == expected


def test_arguments_beat_the_environment(environment):
    """For both addresses."""
    environment.setenv("DD_TRACE_AGENT_URL", "http://environment:1")
    environment.setenv("DD_DOGSTATSD_URL", "nonsense")
    settings = Settings.read("http://argument:2", "udp://argument:3")
    assert (settings.agent.host, settings.statsd.host) == ("argument", "argument")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("DD_TRACE_AGENT_URL", "https://agent:8126", "the scheme is 'https'"),
        ("DD_TRACE_AGENT_URL", "agent:8126", "the scheme is 'agent'"),
        ("DD_TRACE_AGENT_URL", "http://", "there is no usable host in it"),
        ("DD_TRACE_AGENT_URL", "http://a b:1", "there is no usable host in it"),
        ("DD_TRACE_AGENT_URL", "http://agent:port", "this is not a URL"),
        ("DD_TRACE_AGENT_URL", "http://agent:99999", "this is not a URL"),
        ("DD_TRACE_AGENT_URL", "http://agent:0", "0 is not a port"),
        ("DD_TRACE_AGENT_URL", "http://[::1", "this is not a URL"),
        ("DD_TRACE_AGENT_URL", "unix://", "there is no path in it"),
        ("DD_AGENT_HOST", "http://agent", "this is not a host name or address"),
        ("DD_TRACE_AGENT_PORT", "eighty", "this is not a port"),
        ("DD_TRACE_AGENT_PORT", "0", "this is not a port"),
        ("DD_TRACE_AGENT_PORT", "65536", "this is not a port"),
        ("DD_DOGSTATSD_URL", "http://agent:8125", "the scheme is 'http'"),
        ("DD_DOGSTATSD_URL", "udp://:8125", "there is no usable host in it"),
        ("DD_DOGSTATSD_HOST", "a/b", "this is not a host name or address"),
        ("DD_DOGSTATSD_PORT", "-1", "this is not a port"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_origin_and_remedy(environment, name, value, problem):
    """One error, before anything is opened."""
    environment.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        DatadogBackend()
    error = caught.value
    assert (error.setting, error.value, error.origin) == (name, value, "the environment")
    assert error.problem.startswith(problem)
    assert error.fix.startswith(("Use ", "Leave out "))
    assert name in str(error)
    assert repr(value) in str(error)


@pytest.mark.parametrize(
    ("argument", "setting"), [("agent_url", "DD_TRACE_AGENT_URL"), ("dogstatsd_url", "DD_DOGSTATSD_URL")]
)
def test_a_wrong_argument_is_named_as_one(argument, setting):
    """The message says that it did not come from the environment."""
    with pytest.raises(ConfigError, match=f"{setting}='ftp://x' \\(from the argument {argument}\\)"):
        DatadogBackend(**{argument: "ftp://x"})


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("team:core,region:eu", {"team": "core", "region": "eu"}),
        ("team:core region:eu", {"team": "core", "region": "eu"}),
        ("url:http://x, b:1", {"url": "http://x", "b": "1"}),
        ("alone,:x,k:,,", {}),
    ],
)
def test_dd_tags_are_pairs(environment, text, tags):
    """Between commas, or white space where there are none; what is no pair is left out."""
    assert read(environment, DD_TAGS=text).tags == tags


def test_importing_the_backend_loads_no_ddtrace():
    """Which would replace the SIGTERM handler and take 30 MB."""
    code = "import sys, anytel_datadog; sys.exit('ddtrace' in sys.modules or 'sentry_sdk' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False, timeout=50)
    assert ran.returncode == 0
