"""Where a setting's value comes from: an argument of `configure`, the environment, or the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from anytel.errors import ConfigError

__all__ = ["Setting", "Sources", "boolean", "choice", "number", "own_variable", "rate", "seconds"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """A value with its *origin*: ``configure(service=)``, ``TELEMETRY_SERVICE`` or ``default``."""

    value: T
    origin: str


@dataclass(frozen=True, slots=True)
class Sources:
    """The arguments that were given, and the environment."""

    arguments: Mapping[str, object]
    environ: Mapping[str, str]

    def get(
        self, argument: str, default: T, parse: Callable[[object], T], *, variables: Sequence[str] = ()
    ) -> Setting[T]:
        """Give the argument, or the first variable that is set, ``TELEMETRY_*`` before *variables*; or *default*.

        Raises:
            ConfigError: *parse* has raised ValueError, whose text is the fix.
        """
        for raw, origin in self._candidates(argument, variables):
            try:
                return Setting(parse(raw), origin)
            except (ValueError, TypeError) as exc:
                problem = "this value cannot be used"
                raise ConfigError(own_variable(argument), raw, origin, problem, str(exc)) from None
        return Setting(default, "default")

    def _candidates(self, argument: str, variables: Sequence[str]) -> list[tuple[object, str]]:
        given = self.arguments.get(argument)
        unset = given is None or given == ""
        found: list[tuple[object, str]] = [] if unset else [(given, f"configure({argument}=)")]
        names = (own_variable(argument), *variables)
        found.extend((value, name) for name in names if (value := self._variable(name).strip()))
        return found

    def _variable(self, name: str) -> str:
        """Give a variable, or with ``OTEL_RESOURCE_ATTRIBUTES:key`` one of the (percent-encoded) attributes in it."""
        name, _, key = name.partition(":")
        value = self.environ.get(name, "")
        if not key:
            return value
        from urllib.parse import unquote  # noqa: PLC0415 -- few processes set this variable

        pairs = (pair.partition("=") for pair in value.split(","))
        return unquote({name.strip(): member.strip() for name, _, member in pairs}.get(key, ""))


def own_variable(argument: str) -> str:
    """Give the environment variable of an argument of `configure`."""
    return f"TELEMETRY_{argument.upper()}"


def number(raw: object) -> float:
    """Parse a finite number."""
    try:
        value = float(raw)  # type: ignore[arg-type]  # what float cannot take is the error
    except (TypeError, ValueError):
        raise ValueError("Give a number.") from None
    if value != value or abs(value) == float("inf"):  # noqa: PLR0124 -- NaN is the one value that differs from itself
        raise ValueError("Give a finite number.")
    return value


def rate(raw: object) -> float:
    """Parse a probability."""
    value = number(raw)
    if not 0 <= value <= 1:
        raise ValueError("Give a number from 0 (none) to 1 (all).")
    return value


def seconds(raw: object) -> float:
    """Parse a positive duration in seconds."""
    value = number(raw)
    if value <= 0:
        raise ValueError("Give a number of seconds above 0.")
    return value


def boolean(raw: object) -> bool:
    """Parse a switch."""
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    value = known.get(str(raw).strip().lower())
    if value is None:
        raise ValueError("Give 1 or 0.")
    return value


def choice(*allowed: str) -> Callable[[object], str]:
    """Make a parser for one of some words."""

    def parse(raw: object) -> str:
        value = str(raw).strip().lower()
        if value not in allowed:
            raise ValueError(f"Give one of {', '.join(allowed)}.")
        return value

    return parse
