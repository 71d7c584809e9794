"""What anytel raises, and only from `configure` unless the strict setting is on.

AnytelError
 ├── ConfigError              a setting is wrong
 │    ├── UnknownBackend
 │    ├── ExtraMissing
 │    └── CredentialsMissing  switches the backend off instead, unless strict
 ├── DeclarationError         generating only: declarations that cannot be used
 └── MisuseError              strict only: an API call with bad input
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

__all__ = [
    "AnytelError",
    "ConfigError",
    "CredentialsMissing",
    "DeclarationError",
    "ExtraMissing",
    "MisuseError",
    "UnknownBackend",
]


class AnytelError(Exception):
    """The base of all errors of this library."""


class ConfigError(AnytelError, ValueError):
    """A setting cannot be used: *setting* holds *value*, which came from *origin*; *fix* says what to do."""

    def __init__(self, setting: str, value: object, origin: str, problem: str, fix: str) -> None:
        self.setting, self.value, self.origin, self.problem, self.fix = setting, value, origin, problem, fix
        super().__init__(f"{setting}={value!r} (from {origin}): {problem}. {fix}")

    def __reduce__(self) -> tuple[type[ConfigError], tuple[object, ...]]:
        return type(self), (self.setting, self.value, self.origin, self.problem, self.fix)


class UnknownBackend(ConfigError):
    """No installed distribution offers a backend of that name."""

    @classmethod
    def named(cls, name: str, known: Iterable[str], value: object, origin: str) -> UnknownBackend:
        """Build the error from the *known* names, suggesting the nearest."""
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        return cls(
            "TELEMETRY_BACKENDS", value, origin, f"there is no backend {name!r}", f"{hint}Known: {', '.join(known)}."
        )


class ExtraMissing(ConfigError):
    """The backend is known, but what it needs is not installed."""

    @classmethod
    def of(cls, backend: str, module: str, install: str, value: object, origin: str) -> ExtraMissing:
        """Build the error for a *backend* whose import failed at *module*."""
        return cls(
            "TELEMETRY_BACKENDS",
            value,
            origin,
            f"{backend!r} needs {module!r}, which is not installed",
            f"Run: {install}",
        )


class CredentialsMissing(ConfigError):
    """A credential that the backend cannot do without is not set."""

    @classmethod
    def of(cls, backend: str, setting: str, fix: str) -> CredentialsMissing:
        """Build the error for a *setting* that is empty."""
        return cls(setting, "", "the environment", f"the {backend} backend cannot work without it", fix)


class DeclarationError(AnytelError, ValueError):
    """Declarations from which nothing can be generated: *problems* are lines, each with its place and the fix."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type[DeclarationError], tuple[object, ...]]:
        return type(self), (self.problems,)


class MisuseError(AnytelError, ValueError):
    """With ``TELEMETRY_STRICT=1``: a call that would otherwise have been counted and refused."""
