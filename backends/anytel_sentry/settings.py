"""What the backend is told by its environment and its arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

from sentry_sdk.utils import Dsn

from anytel.backend import CredentialsMissing
from anytel.backend.settings import Setting

__all__ = ["Settings", "SpanForm"]

SpanForm: TypeAlias = Literal["items", "transactions"]

_FIND_DSN = (
    "Copy it from Sentry: project settings, Client Keys (DSN); it looks like https://<key>@<host>/<project number>"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked settings. *dsn* is empty only where the application has initialised the SDK itself."""

    dsn: str
    spans: SpanForm

    @classmethod
    def read(cls, dsn: str | None, spans: str | None, *, initialised: bool) -> Settings:
        """Take each setting from its argument or else from the environment.

        Raises:
            CredentialsMissing: there is no DSN, and no SDK that is *initialised* either.
            ConfigError: a setting cannot be used.
        """
        return cls(_dsn(dsn, initialised=initialised), _span_form(spans))


def _dsn(argument: str | None, *, initialised: bool) -> str:
    if initialised:
        return ""
    setting = Setting.read("SENTRY_DSN", argument, "dsn")
    value = setting.value.strip() if setting is not None else ""
    if setting is None or not value:
        raise CredentialsMissing.of("sentry", "SENTRY_DSN", f"Set it, or leave `sentry` out. {_FIND_DSN}.")
    try:
        Dsn(value)
    except ValueError as error:
        shown, problem = setting._replace(value=_masked(value, value)), _masked(f"this is not a DSN: {error}", value)
        raise shown.error(problem, f"{_FIND_DSN}.") from None
    return value


def _masked(text: str, value: str) -> str:
    """Hide in *text* what may be secret in *value*: a DSN's keys, or most of what is no address at all."""
    if "://" not in value:
        return text.replace(value, f"{value[:4]}***")
    return re.sub(r"(?<=://)[^@/]*(?=@)", "***", text)


def _span_form(argument: str | None) -> SpanForm:
    setting = Setting.read("TELEMETRY_SENTRY_SPANS", argument, "spans")
    form = setting.value.strip().lower() if setting is not None else ""
    if setting is not None and form and form not in get_args(SpanForm):
        fix = "Use items (the default), or transactions for a Sentry server that does not know span items."
        raise setting.error(f"there is no span form {form!r}", fix)
    return cast("SpanForm", form or "items")
