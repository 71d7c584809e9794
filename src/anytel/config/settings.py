"""The settings, read and checked once."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from anytel.backend import Backend
from anytel.config.sources import Setting, Sources, boolean, choice, number, own_variable, rate, seconds
from anytel.tracing.propagator import DEFAULT, FORMATS

__all__ = ["BackendSpec", "Settings", "misspelt", "read", "terminal"]

BackendSpec = str | Backend
LEVELS = ("debug", "info", "warning", "error", "critical")
_LEVEL_NAMES = {"warn": "warning", "fatal": "critical"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting with its value and its origin."""

    backends: Setting[tuple[BackendSpec, ...]]
    service: Setting[str]
    environment: Setting[str]
    version: Setting[str]
    sample_rate: Setting[float]
    span_mode: Setting[str]
    log_level: Setting[str]
    log_format: Setting[str]
    log_mode: Setting[str]
    capture_stdlib: Setting[bool | None]
    flush_interval: Setting[float]
    shutdown_timeout: Setting[float]
    redact: Setting[tuple[str, ...]]
    strict: Setting[bool]
    error_tags: Setting[tuple[str, ...]]
    trust_incoming: Setting[bool]
    propagators: Setting[tuple[str, ...]]
    baggage: Setting[tuple[str, ...]]

    @property
    def resource(self) -> Mapping[str, str]:
        """What is sent with everything, under OpenTelemetry's names."""
        named = {
            "service.name": self.service.value,
            "deployment.environment.name": self.environment.value,
            "service.version": self.version.value,
        }
        return {name: value for name, value in named.items() if value}

    def origins(self) -> Mapping[str, Setting[object]]:
        """Give every setting by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def read(arguments: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> Settings:
    """Read all settings.

    Raises:
        ConfigError: One of them cannot be used.
    """
    get = Sources(arguments, environ).get
    environment = get(
        "environment", "", _text, variables=_names("deployment.environment.name", "DD_ENV", "SENTRY_ENVIRONMENT")
    )
    return Settings(
        backends=get("backends", _default_backends(), _backends),
        service=get(
            "service", "unknown_service", _text, variables=("OTEL_SERVICE_NAME", *_names("service.name", "DD_SERVICE"))
        ),
        environment=environment,
        version=get("version", "", _text, variables=_names("service.version", "DD_VERSION", "SENTRY_RELEASE")),
        sample_rate=get("sample_rate", 1.0, rate),
        span_mode=get("span_mode", "auto", choice("auto", "export", "native")),
        log_level=get("log_level", _default_level(environment.value), _level),
        log_format=get("log_format", "auto", choice("auto", "console", "json")),
        log_mode=get("log_mode", "sync", choice("sync", "async")),
        capture_stdlib=get("capture_stdlib", None, boolean),
        flush_interval=get("flush_interval", 10.0, seconds),
        shutdown_timeout=get("shutdown_timeout", 2.0, _timeout),
        redact=get("redact", (), _words),
        strict=get("strict", False, boolean),
        error_tags=get("error_tags", (), _words),
        trust_incoming=get("trust_incoming", True, boolean),
        propagators=get("propagators", DEFAULT, _propagators),
        baggage=get("baggage", (), _words),
    )


def misspelt(environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """Give the variables that look like a setting's and are none's, each with the one that was probably meant."""
    known = {own_variable(one.name) for one in fields(Settings)}
    unknown = [name for name in environ if name.startswith("TELEMETRY_") and name not in known]
    if not unknown:
        return {}
    from difflib import get_close_matches  # noqa: PLC0415 -- few processes have such a variable

    meant = ((name, get_close_matches(name, known, 1, 0.9)) for name in unknown)
    return {name: close[0] for name, close in meant if close}


def _names(attribute: str, *variables: str) -> tuple[str, ...]:
    return (f"OTEL_RESOURCE_ATTRIBUTES:{attribute}", *variables)


def _default_backends() -> tuple[BackendSpec, ...]:
    return ("console",) if terminal() else ()


def terminal() -> bool:
    """Say whether standard output is a terminal; a closed one is none."""
    try:
        return sys.stdout.isatty()
    except (AttributeError, ValueError):
        return False


def _default_level(environment: str) -> str:
    return "debug" if environment == "development" else "info"


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError("Give a string.")
    return raw.strip().encode("utf-8", "replace").decode()  # an environment can hold bytes that are no text


def _words(raw: object) -> tuple[str, ...]:
    words = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise TypeError("Give a comma-separated list, or a list of strings.")
    return tuple(word.strip() for word in words if word.strip())


def _propagators(raw: object) -> tuple[str, ...]:
    words = tuple(word.lower() for word in _words(raw))
    if words == ("none",):
        return ()
    if unknown := sorted(set(words) - FORMATS.keys()):
        raise ValueError(f"Give names among {', '.join(FORMATS)}, or none alone; not {', '.join(unknown)}.")
    return words


def _backends(raw: object) -> tuple[BackendSpec, ...]:
    given: Sequence[object] = raw.split(",") if isinstance(raw, str) else raw if isinstance(raw, Sequence) else [raw]
    specs = [one.strip().lower() if isinstance(one, str) else one for one in given]
    for one in specs:
        if not isinstance(one, str | Backend):
            raise TypeError(f"Give names or Backend instances, not {type(one).__name__}.")
    kept = tuple(one for one in specs if isinstance(one, str | Backend) and one)
    if "none" in kept and len(kept) > 1:
        raise ValueError("'none' switches everything off and stands alone.")
    names = [one if isinstance(one, str) else one.name for one in kept]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Name each backend once: {', '.join(twice)}.")
    return kept


def _level(raw: object) -> str:
    word = str(raw).strip().lower()
    return choice(*LEVELS)(_LEVEL_NAMES.get(word, word))


def _timeout(raw: object) -> float:
    value = number(raw)
    if value < 0:
        raise ValueError("Give a number of seconds, 0 or more.")
    return value
