"""Redaction: one set of rules, for every signal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import anytel
from anytel.redaction import FILTERED, Redactor, encodable

redact = Redactor()


@pytest.mark.parametrize(
    "key",
    ["password", "PASSWORD", "user.password", "db_passwd", "passphrase", "pwd", "x-revalidate-secret", "client_secret",
     "token", "access_token", "authorization", "Cookie", "set-cookie", "api_key", "apiKey", "x-api-key", "access_key",
     "private_key", "credentials", "session_id", "sessionid", "csrf_token"],
)  # fmt: skip
def test_secret_keys(key):
    """A key that contains a known word, in any case, has its value replaced."""
    assert redact.attributes({key: "value", "other": 1}) == {key: FILTERED, "other": 1}


@pytest.mark.parametrize(
    "key", ["tokens", "gen_ai.usage.input_tokens", "user.id", "key", "passenger", "author", "session", "cook"]
)
def test_keys_that_are_no_secret(key):
    """Words that only look alike are left."""
    assert redact.attributes({key: "value"}) == {key: "value"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer [redacted]"),
        ("bearer   ABCDEFGH12==", "bearer   [redacted]"),
        ("BEARER abcdefgh1", "BEARER [redacted]"),
        ("Basic dXNlcjpwYXNzd29yZA==", "Basic [redacted]"),
        ("basic YWJjOmRlZmdo", "basic [redacted]"),
        ("postgres://user:hunter2@db:5432/x", "postgres://[redacted]@db:5432/x"),
        ("redis://:hunter2@cache", "redis://[redacted]@cache"),
        ("at https://u:p@h/a and http://v:q@i/b", "at https://[redacted]@h/a and http://[redacted]@i/b"),
        ("jwt eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSM end", "jwt [redacted] end"),
        ("card 4111 1111 1111 1111.", "card [redacted]."),
        ("5500-0000-0000-0004", "[redacted]"),
        ("378282246310005", "[redacted]"),
        ("é 4111111111111111", "é [redacted]"),
    ],
)
def test_secrets_known_by_their_form(text, shown):
    """Credentials, tokens and card numbers are taken out of any text."""
    assert redact.text(text) == shown


@pytest.mark.parametrize(
    "text",
    ["4111 1111 1111 1112", "1234567890123456", "https://host:8080/a@b", "https://user@host/", "bearer of news",
     "eyJ", "12345678", "2026-11-22 22:23:25", "basic understanding", "Basic configuration loaded",
     "id 1795386293450447402"],
)  # fmt: skip
def test_texts_that_hold_no_secret(text):
    """What fails the check digit, or only begins like a secret, is left."""
    assert redact.text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ann@example.com", "[redacted]"),
        ("to Ann.B+shop@mail.example.co.uk, please", "to [redacted], please"),
        ("a@b.io,c@d.io", "[redacted],[redacted]"),
        ("https://ann:hunter2@example.com/x", "https://[redacted]@example.com/x"),
        ("git@host", "git@host"),
        ("@decorator at 3@5.", "@decorator at 3@5."),
    ],
)
def test_e_mail_addresses_are_taken_out_on_request(text, shown):
    """With the word `email`, wherever they stand; its keys are redacted too, as those of any word."""
    mine = Redactor(["Email"])
    assert mine.text(text) == shown
    assert mine.secret("customer_email")
    assert redact.text("ann@example.com") == "ann@example.com"


def test_the_users_keys_are_added():
    """`redact=` adds words, in any case, taken literally."""
    mine = Redactor(["IBAN", "a.b", "to*"])
    assert mine.secret("customer_iban")
    assert mine.secret("xA.By")
    assert not mine.secret("axb")
    assert mine.secret("password")


def test_every_signal_is_redacted(configured, capsys):
    """Attributes, events, links, context, tags, log lines and errors obey the same rules, the user's too."""
    memory = configured(redact="iban")
    secret = {
        "iban": "DE1",
        "nested": {"password": "DE1"},
        "url": "https://u:DE1@h",
        "list": ["Bearer DE1DE1DE1"],
        "rows": [{"iban": "DE1"}, 1],
    }
    flat = {"iban": "DE1", "url": "https://u:DE1@h", "fine": 1}
    with anytel.context(secret), anytel.span("Bearer DE1DE1DE1", attributes=secret) as span:
        span.event("e", secret).fail("https://u:DE1@h")
        with anytel.span("linked", links=[(span, secret)]):
            anytel.count("n", tags=flat)
            anytel.set("s", "https://u:DE1@h")
        anytel.get_logger("l", **secret).info("https://u:DE1@h", deep={"a": [{"iban": "DE1"}]}, **secret)
        anytel.capture_exception(ValueError("https://u:DE1@h"), secret)
    memory.flush()
    backend = memory.backend
    for record in (*backend.finished, *backend.points, *backend.events, *backend.reports):
        assert "DE1" not in repr(record)
        assert FILTERED in repr(record)
    assert "DE1" not in capsys.readouterr().out
    assert ("fine", "1") in next(p for p in backend.points if p.series.name == "n").series.tags


def test_limits():
    """Text is cut at 8,192 characters, keys at 256, attributes at 128; what is dropped is counted."""
    assert len(redact.text("x" * 10_000)) == 8_192
    assert len(redact.text("é" * 10_000)) == 8_192
    (key,) = redact.attributes({"k" * 1_000: 1})
    assert len(key) == 256
    dropped = {"attributes": 5}
    assert len(redact.attributes({f"k{number}": 1 for number in range(200)}, dropped)) == 128
    assert dropped == {"attributes": 77}


@given(st.text(st.characters()))
def test_any_text_becomes_encodable(text):
    """Whatever the text, what comes of it can be encoded, and plain text stays."""
    redact.text(text).encode()
    redact.key(text).encode()
    assert encodable(encodable(text)) == encodable(text)


@given(st.one_of(st.integers(), st.floats(), st.booleans()))
def test_any_number_becomes_plain(value):
    """Integers stay within 64 bits and floats finite, or become text."""
    shown = redact.value(value)
    assert shown == value or isinstance(shown, str)
    if isinstance(shown, int):
        assert -(2**63) <= shown < 2**63
