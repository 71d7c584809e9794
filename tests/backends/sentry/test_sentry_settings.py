"""What the constructor reads, and what it says about a wrong setting."""

import pytest
import sentry_sdk

from anytel.backend import ConfigError, CredentialsMissing
from anytel_sentry import SentryBackend

DSN = "https://abcdef@o1.ingest.sentry.io/42"


@pytest.mark.parametrize("value", ["", "  ", None])
def test_without_a_dsn_the_credentials_are_missing(monkeypatch, value):
    """An empty setting is the same as none."""
    if value is not None:
        monkeypatch.setenv("SENTRY_DSN", value)
    with pytest.raises(CredentialsMissing, match="SENTRY_DSN") as caught:
        SentryBackend()
    assert "Client Keys" in caught.value.fix


@pytest.mark.parametrize(
    "value",
    ["http//nonsense", "https://o1.ingest.sentry.io/42", "ftp://key@host/1", "https://key@host/", "https://k@host:x/1"],
)
def test_a_dsn_that_is_none_is_a_config_error(monkeypatch, value):
    """Setting, origin and fix are named."""
    monkeypatch.setenv("SENTRY_DSN", value)
    with pytest.raises(ConfigError, match="SENTRY_DSN") as caught:
        SentryBackend()
    assert not isinstance(caught.value, CredentialsMissing)
    assert caught.value.origin == "the environment"
    assert "Client Keys" in caught.value.fix


@pytest.mark.parametrize("value", ["https://topsecret:evenmore@host/notanumber", "topsecret_evenmore"])
def test_the_secret_part_of_a_wrong_dsn_is_masked(value):
    """Neither the message nor the error's fields repeat it."""
    with pytest.raises(ConfigError) as caught:
        SentryBackend(dsn=value)
    told = f"{caught.value} {caught.value.__dict__}"
    assert "topsecret" not in told
    assert "evenmore" not in told
    assert "***" in told
    assert caught.value.origin == "the argument dsn"


def test_an_argument_beats_the_environment(monkeypatch):
    """A wrong environment does not matter then."""
    monkeypatch.setenv("SENTRY_DSN", "nonsense")
    monkeypatch.setenv("TELEMETRY_SENTRY_SPANS", "nonsense")
    SentryBackend(dsn=DSN, spans="items")


@pytest.mark.parametrize("value", ["", "items", "transactions", " Items "])
def test_span_forms_are_read_without_regard_to_case(monkeypatch, value):
    """An empty setting means the default."""
    monkeypatch.setenv("TELEMETRY_SENTRY_SPANS", value)
    SentryBackend(dsn=DSN)


def test_an_unknown_span_form_is_a_config_error(monkeypatch):
    """The possible values are named."""
    monkeypatch.setenv("TELEMETRY_SENTRY_SPANS", "segments")
    with pytest.raises(ConfigError, match=r"TELEMETRY_SENTRY_SPANS='segments'.*transactions"):
        SentryBackend(dsn=DSN)


def test_constructing_does_not_initialise_the_sdk():
    """That is for `open`."""
    SentryBackend(dsn=DSN)
    assert not sentry_sdk.is_initialized()


def test_an_initialised_sdk_needs_no_dsn(sdk):
    """The application's own is used."""
    sdk()
    SentryBackend()


def test_an_sdk_initialised_without_a_dsn_does_not_count(sdk):
    """It cannot send."""
    sdk(dsn="")
    with pytest.raises(CredentialsMissing):
        SentryBackend()
