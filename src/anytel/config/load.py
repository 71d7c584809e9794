"""From the names in a setting to backends: found by entry point, imported and constructed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from anytel.attributes import text
from anytel.backend import Backend
from anytel.config.settings import BackendSpec
from anytel.config.sources import Setting
from anytel.errors import AnytelError, ConfigError, CredentialsMissing, ExtraMissing, UnknownBackend
from anytel.pipeline.guard import logger

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "available", "check", "load"]

GROUP = "anytel.backends"


def available() -> dict[str, EntryPoint]:
    """Give the installed backends by name; being there does not mean that what they need is installed too."""
    from importlib.metadata import entry_points  # noqa: PLC0415 -- 25 ms that an unconfigured process does not pay

    return {point.name: point for point in entry_points(group=GROUP)}


def load(setting: Setting[tuple[BackendSpec, ...]], *, strict: bool) -> list[Backend]:
    """Construct the backends that *setting* names. One without credentials is left out with a warning.

    Raises:
        ConfigError: A backend is unknown, what it needs is missing, or one of its own settings is wrong; with *strict*
            also where its credentials are missing.
    """
    made = []
    for spec in setting.value:
        if isinstance(spec, Backend):
            made.append(spec)
        elif spec != "none":
            made.extend(_named(spec, setting, strict=strict))
    return made


def _named(name: str, setting: Setting[tuple[BackendSpec, ...]], *, strict: bool) -> Sequence[Backend]:
    found = _class(name, setting)
    try:
        return [found()]
    except CredentialsMissing as exc:
        if strict:
            raise
        logger.warning("backend %r is off: %s", name, exc)
        return []
    except AnytelError:
        raise
    except Exception as exc:
        raise _broken(name, "constructed", setting, exc) from exc


def check(setting: Setting[tuple[BackendSpec, ...]]) -> None:
    """Check that the backends that *setting* names exist, without loading them.

    Raises:
        UnknownBackend: There is none of a name.
    """
    for spec in setting.value:
        if isinstance(spec, str) and spec != "none":
            _point(spec, setting)


def _point(name: str, setting: Setting[tuple[BackendSpec, ...]]) -> EntryPoint:
    points = available()
    if name not in points:
        raise UnknownBackend.named(name, {*points, "none"}, _shown(setting), setting.origin)
    return points[name]


def _class(name: str, setting: Setting[tuple[BackendSpec, ...]]) -> type[Backend]:
    point, shown = _point(name, setting), _shown(setting)
    try:
        found = point.load()
    except ModuleNotFoundError as exc:
        raise ExtraMissing.of(name, exc.name or str(exc), _install(point, exc), shown, setting.origin) from exc
    except Exception as exc:
        raise _broken(name, "loaded", setting, exc) from exc
    if not (isinstance(found, type) and issubclass(found, Backend)):
        problem = f"the entry point {point.value!r} of {name!r} is no subclass of anytel.backend.Backend"
        raise ConfigError("TELEMETRY_BACKENDS", shown, setting.origin, problem, "Report it to who wrote the backend.")
    return found


def _shown(setting: Setting[tuple[BackendSpec, ...]]) -> str:
    return ",".join(one if isinstance(one, str) else one.name for one in setting.value)


def _broken(name: str, doing: str, setting: Setting[tuple[BackendSpec, ...]], exc: Exception) -> ConfigError:
    problem = f"{name!r} cannot be {doing}: {type(exc).__name__}: {text(exc)[:300]}"
    return ConfigError("TELEMETRY_BACKENDS", _shown(setting), setting.origin, problem, "See the cause.")


def _install(point: EntryPoint, exc: ModuleNotFoundError) -> str:
    """Say what to install: our extra for our own backends, else whatever the other distribution forgot to require."""
    distribution = re.sub(r"[-_.]+", "-", point.dist.name).lower() if point.dist is not None else ""
    return f"pip install 'anytel[{point.name}]'" if distribution == "anytel" else f"pip install {exc.name}"
