"""All checks of a folder, the cheapest first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from anytel.catalogue.catalogue import Catalogue
from anytel.errors import ConfigError
from anytel.generate.checking.artefacts import read
from anytel.generate.checking.finding import Finding
from anytel.generate.checking.grammars import grammar_checks
from anytel.generate.checking.live import live_checks
from anytel.generate.checking.own import own_checks
from anytel.generate.checking.schema import schema_checks
from anytel.generate.checking.tools import tool_checks

__all__ = ["check"]


def check(folder: Path, catalogue: Catalogue | None = None, live: str = "") -> Iterator[Finding]:
    """Check what is in *folder*: by rules of our own, the vendors' tools, and the Prometheus at *live*.

    Raises:
        ConfigError: There is nothing to check.
    """
    artefacts = read(folder)
    if not artefacts.files and not artefacts.unreadable:
        problem = "there is no YAML or JSON file in it"
        fix = "Generate some: anytel generate all --app MODULE --out DIR."
        raise ConfigError("DIR", str(folder), "the command line", problem, fix)
    yield from own_checks(artefacts, catalogue)
    yield from tool_checks(artefacts)
    yield from schema_checks(artefacts)
    yield from grammar_checks(artefacts)
    if live:
        yield from live_checks(artefacts, live)
