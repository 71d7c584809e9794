"""What the backend is told by its environment and its arguments, by the names OpenTelemetry gives them.

The names and the rules of paths are the specification's:
https://opentelemetry.io/docs/specs/otel/protocol/exporter/ and, of metrics,
https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/otlp/.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit, urlunsplit

from anytel.backend.settings import Setting

__all__ = ["Compression", "Destination", "PemFile", "Settings", "Stream", "Temporality", "Tls"]

Stream: TypeAlias = Literal["traces", "metrics", "logs"]
Compression: TypeAlias = Literal["none", "gzip", "deflate"]
Temporality: TypeAlias = Literal["cumulative", "delta"]

_PREFIX = "OTEL_EXPORTER_OTLP_"
_DEFAULT_ENDPOINT = "http://localhost:4318"
_DEFAULT_TIMEOUT = 10.0
_TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
_AGGREGATION = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
_EXPONENTIAL = "base2_exponential_bucket_histogram"
_FIX_ENDPOINT = f"Use http://<host>:<port> or https://..., by default {_DEFAULT_ENDPOINT}."
_FIX_HEADERS = "Use name=value pairs between commas, the values percent-encoded: api-key=abc,x-scope=a%20b."
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class PemFile(NamedTuple):
    """A file's path, and the *variable* that has named it; both are empty where none has."""

    path: str = ""
    variable: str = ""


class Tls(NamedTuple):
    """Whom to trust, by default whom the system does, and who we are, by default nobody."""

    certificate: PemFile = PemFile()
    client_key: PemFile = PemFile()
    client_certificate: PemFile = PemFile()


@dataclass(frozen=True, slots=True)
class Destination:
    """Where one signal goes, and how. *timeout* is of one request, in seconds."""

    url: str
    headers: Mapping[str, str]
    timeout: float
    compression: Compression
    tls: Tls


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked settings; *exponential* says that distributions are sent as exponential histograms."""

    traces: Destination
    metrics: Destination
    logs: Destination
    temporality: Temporality
    exponential: bool
    resource: Mapping[str, str]

    @classmethod
    def read(cls, endpoint: str | None, headers: Mapping[str, str] | None, temporality: str | None) -> Settings:
        """Take each setting from its argument or else from the environment.

        Raises:
            ConfigError: a setting cannot be used.
        """
        flow = _temporality(temporality)
        return cls(
            _destination("traces", endpoint, headers),
            _destination("metrics", endpoint, headers),
            _destination("logs", endpoint, headers),
            flow,
            _exponential(flow),
            _resource(),
        )


def _of(stream: Stream, name: str) -> Setting | None:
    """Give the variable of one signal, or else that of all."""
    return Setting.read(f"{_PREFIX}{stream.upper()}_{name}") or Setting.read(f"{_PREFIX}{name}")


def _destination(stream: Stream, endpoint: str | None, headers: Mapping[str, str] | None) -> Destination:
    _check_protocol(_of(stream, "PROTOCOL"))
    url, login = _without_login(_url(stream, endpoint))
    own = _headers(_of(stream, "HEADERS")) if headers is None else _checked_headers(headers)
    return Destination(
        url,
        {**login, **own},
        _timeout(_of(stream, "TIMEOUT")),
        _compression(_of(stream, "COMPRESSION")),
        Tls(*(_file(_of(stream, name)) for name in ("CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"))),
    )


def _file(setting: Setting | None) -> PemFile:
    return PemFile(setting.value, setting.name) if setting is not None else PemFile()


def _value(setting: Setting | None) -> str:
    return setting.value if setting is not None else ""


def _url(stream: Stream, argument: str | None) -> str:
    """Give the address: a signal's own variable as it is, what is for all signals with the signal's path."""
    own = Setting.read(f"{_PREFIX}{stream.upper()}_ENDPOINT") if argument is None else None
    if own is not None:
        return _checked_url(own)
    setting = Setting.read(f"{_PREFIX}ENDPOINT") or Setting(f"{_PREFIX}ENDPOINT", _DEFAULT_ENDPOINT, "the default")
    if argument is not None:
        setting = Setting(f"{_PREFIX}ENDPOINT", argument, "the argument endpoint")
    url = urlsplit(_checked_url(setting))
    return urlunsplit(url._replace(path=f"{url.path.rstrip('/')}/v1/{stream}"))


def _without_login(url: str) -> tuple[str, Mapping[str, str]]:
    """Take the user and password out of an address, and give the header that they become."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    if not login:
        return url, {}
    encoded = base64.b64encode(unquote(login).encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"authorization": f"Basic {encoded}"}


def _checked_url(setting: Setting) -> str:
    shown = setting._replace(value=re.sub(r"(?<=://)[^@/]*(?=@)", "***", setting.value))
    try:
        url = urlsplit(setting.value)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError as error:
        raise shown.error(f"this is not a URL: {error}", _FIX_ENDPOINT) from None
    if not usable:
        raise shown.error("it has no scheme, host or port that can be used", _FIX_ENDPOINT)
    return urlunsplit(url._replace(path=url.path or "/", fragment=""))


def _check_protocol(setting: Setting | None) -> None:
    if setting is not None and setting.value.lower() != "http/protobuf":
        fix = "Use http/protobuf (or unset it), and the collector's HTTP port, which is 4318."
        raise setting.error("this backend speaks OTLP over HTTP with protobuf only", fix)


def _headers(setting: Setting | None) -> Mapping[str, str]:
    """Read headers in the form of W3C Baggage; the names in lower case, the values decoded."""
    if setting is None:
        return {}
    found = {}
    for pair in filter(str.strip, setting.value.split(",")):
        name, equals, value = (unquote(part).strip() for part in pair.partition("="))
        if not equals or not _is_header(name, value):
            raise setting.error("this is not a list of headers", _FIX_HEADERS, secret=True)
        found[name.lower()] = value
    return found


def _checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    if not all(_is_header(name, value) for name, value in headers.items()):
        setting = Setting(f"{_PREFIX}HEADERS", "", "the argument headers")
        raise setting.error("there is a name or value that no header can have", _FIX_HEADERS, secret=True)
    return {name.lower(): value for name, value in headers.items()}


def _is_header(name: str, value: str) -> bool:
    return bool(_HEADER_NAME.fullmatch(name)) and value.isprintable() and value.isascii()


def _timeout(setting: Setting | None) -> float:
    """Read seconds, as OpenTelemetry's Python exporters do; the specification says milliseconds."""
    if setting is None:
        return _DEFAULT_TIMEOUT
    try:
        timeout = float(setting.value)
    except ValueError:
        timeout = 0.0
    if not 0 < timeout < float("inf"):
        raise setting.error("this is not a time", "Give a number of seconds above 0.")
    return timeout


def _compression(setting: Setting | None) -> Compression:
    match _value(setting).lower():
        case "" | "none":
            return "none"
        case "gzip":
            return "gzip"
        case "deflate":
            return "deflate"
        case _:
            assert setting is not None  # noqa: S101 -- without one, the value is empty
            raise setting.error("there is no such compression", "Use gzip, deflate or none.")


def _temporality(argument: str | None) -> Temporality:
    setting = Setting.read(_TEMPORALITY) or Setting(_TEMPORALITY, "cumulative", "the default")
    if argument is not None:
        setting = Setting(_TEMPORALITY, argument, "the argument temporality")
    match setting.value.lower():
        case "cumulative":
            return "cumulative"
        case "delta" | "lowmemory":  # they differ in asynchronous instruments, of which there are none
            return "delta"
        case _:
            raise setting.error("there is no such temporality", "Use cumulative (the default), delta or lowmemory.")


def _exponential(temporality: Temporality) -> bool:
    setting = Setting.read(_AGGREGATION)
    if setting is None or setting.value.lower() == "explicit_bucket_histogram":
        return False
    if setting.value.lower() != _EXPONENTIAL:
        raise setting.error("there is no such aggregation", f"Use explicit_bucket_histogram or {_EXPONENTIAL}.")
    if temporality != "delta":
        fix = f"Set {_TEMPORALITY}=delta, or {_AGGREGATION}=explicit_bucket_histogram."
        raise setting.error("exponential histograms are made of an interval's values: totals have none", fix)
    return True


def _resource() -> Mapping[str, str]:
    """Read ``OTEL_RESOURCE_ATTRIBUTES``: ``key=value`` pairs between commas, percent-encoded."""
    pairs = (pair.partition("=") for pair in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","))
    decoded = ((unquote(key).strip(), unquote(value).strip()) for key, equals, value in pairs if equals)
    return {key: value for key, value in decoded if key}
