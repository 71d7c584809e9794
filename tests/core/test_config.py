"""Settings: where they come from, and what is said of one that cannot be used."""

import json
import logging
import sys

import pytest

import anytel
from anytel.backend import Backend, ConfigError, CredentialsMissing
from anytel.config import settings
from anytel.errors import ExtraMissing, UnknownBackend


def read(arguments=None, **environ):
    return settings.read(arguments or {}, environ)


SETTINGS = {
    "service": ("a", "b", "b"),
    "environment": ("a", "b", "b"),
    "version": ("1", "2", "2"),
    "sample_rate": (0.25, "0.5", 0.5),
    "span_mode": ("export", "auto", "auto"),
    "log_level": ("error", "WARN", "warning"),
    "log_format": ("json", "Console", "console"),
    "log_mode": ("sync", "async", "async"),
    "flush_interval": (1, "2.5", 2.5),
    "shutdown_timeout": (0, "3", 3.0),
    "redact": (["a"], "b, c,", ("b", "c")),
    "error_tags": (("a",), "b,c", ("b", "c")),
    "strict": (False, "yes", True),
    "trust_incoming": (True, "off", False),
    "backends": ("memory", "console, memory", ("console", "memory")),
    "propagators": (["b3"], "Sentry, b3multi", ("sentry", "b3multi")),
    "baggage": (["a"], "tenant, user.tier", ("tenant", "user.tier")),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_an_argument_beats_the_environment(name):
    """Each setting comes from its argument, else from `TELEMETRY_*`, else from its default; its origin is told."""
    argument, variable, parsed = SETTINGS[name]
    environ = {f"TELEMETRY_{name.upper()}": variable}
    assert getattr(read({name: argument}, **environ), name).origin == f"configure({name}=)"
    found = getattr(read(**environ), name)
    assert (found.value, found.origin) == (parsed, f"TELEMETRY_{name.upper()}")
    assert getattr(read(**{f"TELEMETRY_{name.upper()}": "  "}), name).origin == "default"


def test_every_setting_is_tried():
    """The table above has every setting that can be given in both ways."""
    assert set(read().origins()) - set(SETTINGS) <= {"capture_stdlib"}


def test_defaults():
    """Without anything set: the service is unknown, all traces are kept, and lines below info are not logged."""
    found = {name: one.value for name, one in read().origins().items()}
    assert found["service"] == "unknown_service"
    assert (found["sample_rate"], found["flush_interval"], found["shutdown_timeout"]) == (1.0, 10.0, 2.0)
    assert (found["log_level"], found["log_format"], found["log_mode"]) == ("info", "auto", "sync")
    assert (found["strict"], found["trust_incoming"], found["backends"]) == (False, True, ())
    assert read().resource == {"service.name": "unknown_service"}


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("service", ["TELEMETRY_SERVICE", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES:service.name", "DD_SERVICE"]),
        (
            "environment",
            ["TELEMETRY_ENVIRONMENT", "OTEL_RESOURCE_ATTRIBUTES:deployment.environment.name", "DD_ENV",
             "SENTRY_ENVIRONMENT"],
        ),
        (
            "version",
            ["TELEMETRY_VERSION", "OTEL_RESOURCE_ATTRIBUTES:service.version", "DD_VERSION", "SENTRY_RELEASE"],
        ),
    ],
)  # fmt: skip
def test_vendors_variables_in_their_order(name, chain):
    """Service, environment and version fall back to the vendors' variables, in a fixed order."""
    for first in range(len(chain)):
        environ = {}
        for origin in chain[first:]:
            variable, _, key = origin.partition(":")
            value = f"from {origin}".replace(" ", "%20") if key else f"from {origin}"
            environ[variable] = f"other=1,{key}={value},x" if key else value
        found = getattr(read(**environ), name)
        assert (found.value, found.origin) == (f"from {chain[first]}", chain[first])


def test_the_level_follows_the_environment():
    """In `development` debug lines are logged, whoever names the environment; a level that is set wins."""
    assert read(TELEMETRY_ENVIRONMENT="development").log_level.value == "debug"
    assert read(DD_ENV="development").log_level.value == "debug"
    assert read(TELEMETRY_ENVIRONMENT="prod").log_level.value == "info"
    assert read(TELEMETRY_ENVIRONMENT="development", TELEMETRY_LOG_LEVEL="error").log_level.value == "error"


BAD = [
    ("sample_rate", "many", "Give a number."),
    ("sample_rate", "1.5", "from 0 (none) to 1 (all)"),
    ("sample_rate", "-0.1", "from 0 (none) to 1 (all)"),
    ("sample_rate", "nan", "finite"),
    ("sample_rate", "inf", "finite"),
    ("flush_interval", "0", "above 0"),
    ("flush_interval", "soon", "Give a number."),
    ("shutdown_timeout", "-1", "0 or more"),
    ("log_level", "loud", "debug, info, warning, error, critical"),
    ("log_format", "xml", "auto, console, json"),
    ("log_mode", "later", "sync, async"),
    ("span_mode", "both", "auto, export, native"),
    ("strict", "perhaps", "1 or 0"),
    ("trust_incoming", "2", "1 or 0"),
    ("propagators", "xray", "tracecontext, datadog, sentry, b3, b3multi"),
    ("propagators", "none,b3", "none alone"),
    ("backends", "none,memory", "'none' switches everything off and stands alone"),
    ("backends", "memory,console,Memory", "Name each backend once: memory"),
]


@pytest.mark.parametrize(("name", "value", "fix"), BAD)
@pytest.mark.parametrize("source", ["argument", "environment"])
def test_a_value_that_cannot_be_used_is_one_error(monkeypatch, name, value, fix, source):
    """`configure` raises one `ConfigError` that names the setting, the value, where it came from and what to do."""
    given = {"backends": "none"} if name != "backends" else {}
    if source == "argument":
        given[name] = value
    else:
        monkeypatch.setenv(f"TELEMETRY_{name.upper()}", value)
    with pytest.raises(ConfigError) as caught:
        anytel.configure(**given)
    problem = caught.value
    origin = f"configure({name}=)" if source == "argument" else f"TELEMETRY_{name.upper()}"
    assert (problem.setting, problem.value, problem.origin) == (f"TELEMETRY_{name.upper()}", value, origin)
    assert fix in problem.fix
    for part in (problem.setting, repr(value), origin, problem.fix):
        assert part in str(problem)
    assert isinstance(problem, ValueError)
    assert anytel.runtime.active.settings is None


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        ({"service": 5}, "Give a string."),
        ({"sample_rate": "x"}, "Give a number."),
        ({"sample_rate": object()}, "Give a number."),
        ({"backends": 5}, "not int"),
        ({"backends": [None]}, "not NoneType"),
        ({"backends": [Backend]}, "not type"),
        ({"redact": 5}, "comma-separated"),
        ({"redact": [1]}, "comma-separated"),
    ],
)
def test_arguments_of_the_wrong_type(given, fix):
    """An argument of the wrong type is the same kind of error."""
    with pytest.raises(ConfigError, match=fix):
        anytel.configure(**given)


def test_an_unknown_backend_has_a_nearest_name(monkeypatch):
    """A typo in a backend's name is answered with the nearest and all known ones."""
    monkeypatch.setenv("TELEMETRY_BACKENDS", "memory,sentri")
    with pytest.raises(UnknownBackend) as caught:
        anytel.configure()
    text = str(caught.value)
    assert text.startswith("TELEMETRY_BACKENDS='memory,sentri' (from TELEMETRY_BACKENDS): there is no backend 'sentri'")
    assert "Did you mean 'sentry'? Known: console, datadog, memory, none, otlp, prometheus, sentry" in text


def test_an_unknown_backend_that_is_near_to_none():
    """A name that resembles none gets the list alone."""
    with pytest.raises(UnknownBackend, match=r"no backend 'zzz'\. Known: console"):
        anytel.configure(backends="zzz")


class Vendor(Backend):
    name = "vendor"


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """Give a function that installs a distribution with a backend's entry point, for the time of the test."""

    def install(name, target, distribution="acme-telemetry", module=None):
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[anytel.backends]\n{name} = {target}\n")
        if module is not None:
            (tmp_path / f"{target.partition(':')[0]}.py").write_text(module)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)

    return install


@pytest.mark.parametrize(
    ("module", "problem", "fix"),
    [
        ("class B: pass", "no subclass of anytel.backend.Backend", "who wrote"),
        ("B = 5", "no subclass of anytel.backend.Backend", "who wrote"),
        ("x = 1", "cannot be loaded: AttributeError", "cause"),
        ("from os import absent", "cannot be loaded: ImportError", "cause"),
        ("1 / 0", "cannot be loaded: ZeroDivisionError", "cause"),
        ("def", "cannot be loaded: SyntaxError", "cause"),
        (
            "from anytel.backend import Backend\nclass B(Backend):\n    def __init__(self, needed): pass",
            "cannot be constructed: TypeError", "cause",
        ),
        (
            "from anytel.backend import Backend\nclass B(Backend):\n    def __init__(self): raise RuntimeError('x')",
            "cannot be constructed: RuntimeError", "cause",
        ),
    ],
)  # fmt: skip
def test_a_broken_backend_is_one_error(third_party, request, module, problem, fix):
    """A backend that cannot be loaded or constructed is a `ConfigError` with the cause, whatever it raises."""
    target = f"acme_broken_{abs(hash(request.node.name))}"
    third_party("acme", f"{target}:B", module=module)
    with pytest.raises(ConfigError, match=problem) as caught:
        anytel.configure(backends="acme")
    assert fix in caught.value.fix
    assert "'acme'" in str(caught.value)


def test_a_third_party_backend_is_found_by_name(third_party):
    """Any distribution can add a backend by an entry point; names are without case."""
    module = "from anytel.backends.memory import MemoryBackend\nclass Acme(MemoryBackend):\n    name = 'acme'\n"
    third_party("acme", "acme_telemetry_works:Acme", module=module)
    anytel.configure(backends=" ACME ,")
    anytel.start_span("s").end()
    assert anytel.flush(10)
    assert anytel.stats().backends["acme"]["span"].delivered == 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [("TELEMETRY_BACKEND", "TELEMETRY_BACKENDS"), ("TELEMETRY_SAMPLERATE", "TELEMETRY_SAMPLE_RATE")],
)
def test_a_misspelt_variable_is_told(monkeypatch, caplog, name, meant):
    """A warning names the one that was probably meant; strict: an error."""
    monkeypatch.setenv(name, "0.5")
    anytel.configure(backends="memory")
    (warning,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert warning.getMessage() == f"{name} is set, and there is no such setting: Set {meant}."
    with pytest.raises(ConfigError, match=meant):
        anytel.configure(backends="memory", strict=True)


def test_a_variable_of_somebody_elses_is_left_alone(monkeypatch, caplog):
    """A backend may have settings of its own by that prefix."""
    monkeypatch.setenv("TELEMETRY_SENTRY_SPANS", "items")
    monkeypatch.setenv("TELEMETRY_ACME_TOKEN", "x")
    anytel.configure(backends="memory", strict=True)
    assert caplog.records == []


def test_missing_credentials_switch_a_backend_off(third_party, caplog):
    """A backend without its credentials is left out with one warning that says what to set; the others work."""
    module = (
        "from anytel.backend import Backend, CredentialsMissing\nclass B(Backend):\n    name = 'nokey'\n"
        "    def __init__(self): raise CredentialsMissing.of('nokey', 'VENDOR_KEY', 'Set VENDOR_KEY.')\n"
    )
    third_party("nokey", "acme_without_key:B", module=module)
    anytel.configure(backends="nokey,memory", strict=False)
    (warning,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert "'nokey' is off" in warning.getMessage()
    assert "Set VENDOR_KEY." in warning.getMessage()
    assert list(anytel.runtime.active.pipeline.counts()) == ["memory"]
    with pytest.raises(CredentialsMissing, match="VENDOR_KEY"):
        anytel.configure(backends="nokey,memory", strict=True)


def test_a_backends_own_setting_is_named(third_party):
    """A backend's own `ConfigError` reaches the caller as it is."""
    module = (
        "from anytel.backend import Backend, ConfigError\nclass B(Backend):\n    name = 'picky'\n"
        "    def __init__(self): raise ConfigError('VENDOR_URL', 'x', 'VENDOR_URL', 'not a URL', 'Give a URL.')\n"
    )
    third_party("picky", "acme_picky:B", module=module)
    with pytest.raises(ConfigError, match=r"VENDOR_URL='x' \(from VENDOR_URL\): not a URL. Give a URL."):
        anytel.configure(backends="picky")


@pytest.mark.parametrize(
    ("backend", "module", "extra"),
    [
        ("sentry", "sentry_sdk", "sentry"),
        ("datadog", "datadog", "datadog"),
        ("prometheus", "prometheus_client", "prometheus"),
    ],
)
def test_a_missing_extra_says_what_to_install(run_python, backend, module, extra):
    """Without a vendor's SDK the error says which module is missing and which extra brings it."""
    done = run_python(
        f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {module!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
import anytel
from anytel.errors import ExtraMissing

try:
    anytel.configure(backends={backend!r})
except ExtraMissing as exc:
    print(exc)
""",
        SENTRY_DSN="http://k@127.0.0.1:9/1",
    )
    expected = (
        f"TELEMETRY_BACKENDS='{backend}' (from configure(backends=)): '{backend}' needs '{module}', "
        f"which is not installed. Run: pip install 'anytel[{extra}]'\n"
    )
    assert done.stdout == expected


def test_a_third_partys_missing_module(third_party):
    """A third party's missing module is not said to come with an extra of ours."""
    third_party("acme", "acme_needs_more:B", module="import acme_sdk_that_is_absent")
    with pytest.raises(ExtraMissing, match="needs 'acme_sdk_that_is_absent'") as caught:
        anytel.configure(backends="acme")
    assert "anytel[" not in str(caught.value)


def test_names_and_instances_together():
    """Names and instances can be mixed; each name may appear once."""
    anytel.configure(backends=["memory", Vendor()])
    assert sorted(anytel.stats().backends) == ["memory", "vendor"]
    with pytest.raises(ConfigError, match="Name each backend once: vendor"):
        anytel.configure(backends=[Vendor(), Vendor()])
    anytel.configure(backends=Vendor())
    assert list(anytel.stats().backends) == ["vendor"]


def test_without_backends_only_lines_are_written(capsys):
    """Unset and not on a terminal: one notice, and log lines with ids, nothing else."""
    anytel.configure(log_format="json")
    with anytel.span("s") as span:
        anytel.get_logger().info("line")
    notice, line = map(json.loads, capsys.readouterr().out.splitlines())
    assert notice["event"].startswith("TELEMETRY_BACKENDS is not set")
    assert line["trace_id"] == span.trace_id
    assert dict(anytel.stats().backends) == {}


def test_text_that_is_not_unicode_is_made_so(configured, capsys):
    """A service name with undecodable bytes, as an environment can hold, reaches no backend as such."""
    memory = configured(service="sh\udcffop", environment="\ud800")
    anytel.get_logger("n\udcff").info("line")
    anytel.start_span("s").end()
    memory.span("s").service.encode()
    for text in anytel.runtime.active.resource.values():
        text.encode()
    assert '"event":"line"' in capsys.readouterr().out


def test_config_errors_can_be_pickled():
    """The errors survive a process boundary with their parts."""
    import pickle

    for problem in (
        ConfigError("A", 1, "x", "p", "f"),
        UnknownBackend.named("a", ["b"], "a", "x"),
        CredentialsMissing.of("a", "b", "c"),
        ExtraMissing.of("a", "b", "c", "d", "e"),
    ):
        again = pickle.loads(pickle.dumps(problem))
        assert (type(again), str(again), again.fix) == (type(problem), str(problem), problem.fix)
