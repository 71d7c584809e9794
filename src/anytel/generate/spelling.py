"""How the installed backends spell the declared metrics: by the code that renders them at run time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from anytel.backend import Backend, Series, Spelling
from anytel.config.load import available
from anytel.errors import ConfigError
from anytel.metrics.instruments import Instrument

__all__ = ["Speller", "backends", "speller"]

Speller: TypeAlias = Callable[[Instrument], Spelling]


def backends() -> dict[str, type[Backend]]:
    """Give the backends that are installed with all they need, by name."""
    found = {}
    for name, point in sorted(available().items()):
        try:
            backend = point.load()
        except Exception:  # noqa: S112 -- what it needs is not installed, or it is broken, which `configure` tells
            continue
        if isinstance(backend, type) and issubclass(backend, Backend):
            found[name] = backend
    return found


def speller(name: str) -> Speller:
    """Give what spells metrics as the backend of that *name* does.

    Raises:
        ConfigError: What it needs is not installed.
    """
    backend = backends().get(name)
    if backend is None:
        problem = f"it follows the naming of the backend {name!r}, which is not installed with all it needs"
        raise ConfigError("TARGET", name, "the command line", problem, f"Run: pip install 'anytel[{name}]'")
    chosen = backend

    @cache
    def spell(instrument: Instrument) -> Spelling:
        spelling = chosen.spelling(series(instrument))
        if spelling is None:
            raise ConfigError("TARGET", name, "the command line", f"{name} has no {instrument.kind}", "Leave it out.")
        return spelling

    return spell


def series(instrument: Instrument) -> Series:
    """Give an instrument as a backend sees it, with the names of its tags and no values."""
    tags = tuple((name, "") for name in sorted(instrument.tags or ()))
    return Series(instrument.name, instrument.kind, instrument.unit, instrument.description, instrument.bounds, tags)
