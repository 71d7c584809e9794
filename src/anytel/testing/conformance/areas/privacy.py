# ruff: noqa: S101 -- a kit of tests asserts
"""Canaries: secrets that are put everywhere, and must not be found in a single byte of the wire."""

from __future__ import annotations

import base64

import pytest

import anytel
from anytel.testing.conformance.kit import Kit

__all__ = ["Privacy"]

CANARY = "c4n4ryS3cr3t"
ENCODED = base64.b64encode(f"user:{CANARY}".encode()).decode()


class Privacy(Kit):
    """Privacy."""

    def test_no_secret_is_on_the_wire(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither what was given under a telling name or in a telling form, nor what an SDK might collect itself."""
        monkeypatch.setenv("KIT_API_TOKEN", f"{CANARY}-environment")
        self.start()
        self.emit("visible")
        _give_secrets()
        observed = self.arrived()
        assert self.seen("visible", observed) == self.times(1)
        assert b"visible" in observed.raw, "read() gives no raw bytes, so that nothing can be found in them"
        for secret in (CANARY, ENCODED):
            at = observed.raw.find(secret.encode())
            assert at < 0, observed.raw[max(at - 60, 0) : at + 60]


def _give_secrets() -> None:
    """Put the canary into every field that takes a value."""
    kept = {"password": CANARY, "user": {"api_key": CANARY}, "headers": {"Authorization": CANARY}}
    url = f"https://user:{CANARY}@example.org/"
    with anytel.span(f"get {url}", attributes=kept, links=[]) as span:
        span.set(url=url, header=f"Bearer {CANARY}").event("sent", {"cookie": CANARY, "url": url})
        with anytel.span("linked", links=[(span, {"session_id": CANARY})]):
            anytel.get_logger("kit").warning(f"calling {url}", **kept)
        anytel.count("kit.secrets", tags={"token": CANARY, "url": url})
        anytel.set("kit.urls", url)
        _fail(CANARY)


def _fail(argument: str) -> None:
    """Raise with the canary in the message, in local variables and in what is bound."""
    local = argument * 2
    with anytel.context(secret=argument):
        try:
            raise ValueError(f"Basic {ENCODED}", len(local))  # noqa: TRY301 -- raised and caught here on purpose
        except ValueError as exc:
            anytel.get_logger("kit").exception("failed")
            anytel.capture_exception(exc, {"passphrase": argument})
