"""The lock: what queries of the metrics depend on, frozen, so that a change that breaks them is seen."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from anytel.catalogue.catalogue import Catalogue
from anytel.errors import ConfigError
from anytel.generate.listing import metric
from anytel.generate.spelling import backends
from anytel.generate.text import json_text

__all__ = ["FILE", "Change", "changes", "locked", "read"]

FILE = "anytel.lock.json"
_VERSION = 1


class Change(NamedTuple):
    """One difference: whether it is *breaking* for what reads the *metric*, and *what* it is.

    Of an objective or an alert, *metric* is ``SLO 'name'`` or ``alert 'name'``.
    """

    breaking: bool
    metric: str
    what: str


def locked(catalogue: Catalogue) -> str:
    """Give the text of the lock file for a catalogue."""
    metrics = {name: metric(one) for name, one in sorted(catalogue.instruments.items())}
    slos = {one.name: {"objective": str(one.objective), "window": one.window} for one in catalogue.slos}
    alerts = {one.name: {"severity": one.severity} for one in catalogue.alerts}
    found = {"version": _VERSION, "backends": sorted(backends()), "metrics": metrics}
    return json_text({**found, "slos": dict(sorted(slos.items())), "alerts": dict(sorted(alerts.items()))})


def read(path: Path) -> Mapping[str, Any]:
    """Read a lock file.

    Raises:
        ConfigError: There is none, or it cannot be read.
    """
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if found["version"] != _VERSION or not isinstance(found["metrics"], dict):
            raise ValueError("it is of another version of anytel")  # noqa: TRY301 -- told with the others
        list(changes(found, found))  # what is compared has to be there
        sorted(found["backends"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        fix = "Write it: anytel lock --app MODULE."
        raise ConfigError("--file", str(path), "the command line", f"it cannot be read ({exc})", fix) from exc
    return found


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    """Give the differences between two locks. Spellings are compared where both know the backend."""
    old, new = before["metrics"], now["metrics"]
    for name in sorted({*old, *new}):
        if name not in new:
            yield Change(breaking=True, metric=name, what="is no longer declared")
        elif name not in old:
            yield Change(breaking=False, metric=name, what="is new")
        else:
            for breaking, what in _metric(old[name], new[name]):
                yield Change(breaking, name, what)
    for kind, breaks in _NAMED.items():
        if kind in before and kind in now:  # locks of earlier versions have metrics only
            yield from _named(kind, before[kind], now[kind], breaks)


_NAMED = {"slos": ("window",), "alerts": ()}
"""What recorded series, dashboards, silences and routes name, and which of its fields are part of those names."""


def _named(kind: str, old: Mapping[str, Any], new: Mapping[str, Any], breaks: Collection[str]) -> Iterator[Change]:
    word = {"slos": "SLO", "alerts": "alert"}[kind]
    for name in sorted({*old, *new}):
        what = f"{word} {name!r}"
        if name not in new:
            yield Change(breaking=True, metric=what, what="is no longer declared")
        elif name not in old:
            yield Change(breaking=False, metric=what, what="is new")
        else:
            for field in sorted(old[name].keys() & new[name].keys()):
                was, is_ = old[name][field], new[name][field]
                if was != is_:
                    yield Change(field in breaks, what, f"{field} was {was!r} and is {is_!r}")


def _metric(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    for field in ("kind", "unit"):
        if old[field] != new[field]:
            yield True, f"{field} was {old[field]!r} and is {new[field]!r}"
    yield from _tags(old["tags"], new["tags"])
    yield from _parts("bucket", old["buckets"], new["buckets"])
    for backend in sorted(old["names"].keys() & new["names"].keys()):
        was, is_ = old["names"][backend], new["names"][backend]
        for field in ("name", "type", "unit"):
            if was[field] != is_[field]:
                yield True, f"in {backend} its {field} was {was[field]!r} and is {is_[field]!r}"
        yield from ((broken, f"in {backend} its {what}") for broken, what in _bounds(old, new, was, is_))
        for tag in sorted(was["tags"].keys() & is_["tags"].keys()):
            if was["tags"][tag] != is_["tags"][tag]:
                yield True, f"in {backend} its tag {tag!r} was {was['tags'][tag]!r} and is {is_['tags'][tag]!r}"


def _bounds(
    old: Mapping[str, Any], new: Mapping[str, Any], was: Mapping[str, Any], is_: Mapping[str, Any]
) -> Iterator[tuple[bool, str]]:
    """Compare how the vendor writes the buckets that both have: queries name them by that text."""
    before = dict(zip(old["buckets"], was.get("buckets", ()), strict=False))
    now = dict(zip(new["buckets"], is_.get("buckets", ()), strict=False))
    for bound in sorted(before.keys() & now.keys()):
        if before[bound] != now[bound]:
            yield True, f"bucket {before[bound]!r} is {now[bound]!r}"


def _tags(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    yield from _parts("tag", list(old), list(new))
    for tag in sorted(old.keys() & new.keys()):
        was, is_ = old[tag], new[tag]
        if was is None and is_ is not None:
            yield True, f"tag {tag!r} had any value and has only {', '.join(is_)}"
        elif was is not None and is_ is None:
            yield False, f"tag {tag!r} may have any value"
        elif was is not None:
            yield from _parts(f"value of tag {tag!r}", was, is_)


def _parts(what: str, old: list[Any], new: list[Any]) -> Iterator[tuple[bool, str]]:
    yield from ((True, f"{what} {one!r} is gone") for one in old if one not in new)
    yield from ((False, f"{what} {one!r} is new") for one in new if one not in old)
