"""The names: which metric a name is, declared or not. The first kind and unit of a name win."""

from __future__ import annotations

import gc
import re
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar

from anytel import misuse
from anytel.attributes import text
from anytel.metrics import buckets
from anytel.redaction import encodable

if TYPE_CHECKING:
    from anytel.metrics.instruments import Allowed, Instrument

__all__ = ["declare", "declared", "forget", "get", "resolve", "set_aside"]

I = TypeVar("I", bound="Instrument")  # noqa: E741 -- the usual name of such a variable is as short

MAX_UNDECLARED = 2_000
"""Names that may be used without a declaration; beyond, they are counted and refused."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\-/]{0,254}")  # OpenTelemetry's syntax of an instrument name

_instruments: dict[str, Instrument] = {}
_refused: dict[type[Instrument], Instrument] = {}
_lock = threading.RLock()


def get(name: str) -> Instrument | None:
    """Give the metric of that name."""
    return _instruments.get(name)


def declared() -> Mapping[str, Instrument]:
    """Give the declared metrics by name, in the order of declaration."""
    with _lock:
        return {name: one for name, one in _instruments.items() if not one.implicit}


def declare(
    cls: type[I],
    name: str,
    tags: Allowed,
    unit: str,
    description: str,
    owner: str,
    bounds: Iterable[float] | None,
) -> I:
    """Declare a metric.

    *name* is dotted, without its unit or ``_total``. *tags* maps each tag to its allowed values, or to None for any, or
    is the tags' names. An identical redeclaration gives the same object; a conflicting one an object that
    records nothing, with a warning (strict: `MisuseError`).
    """
    try:
        given = _bounds(name, bounds)
        trial = cls.undeclared("", "", ())
        trial.declare(tags, description, owner)
        with _lock:
            known = _known(cls, name, unit)
            if known is None:
                known = _make(cls, name, unit, given)
            if known.implicit:
                _agree(known, known.unit, given, known.tags)
                known.declare(tags, description, owner)
            else:
                _agree(known, unit, given, trial.tags)
            return known
    except _Conflict as exc:
        return _refuse(cls, name, *exc.args)
    except Exception as exc:
        return _refuse(cls, name, f"its tags cannot be used ({misuse.shown(exc)})")


class _Conflict(Exception):
    """Why a name cannot be used so; reported outside the lock, since a log handler may record metrics itself."""


def resolve(cls: type[I], name: str, unit: str, bounds: tuple[float, ...] | None = None) -> I:
    """Give the metric of that name for a use without a declaration, making it at the first."""
    try:
        with _lock:
            return _known(cls, name, unit) or _make(cls, name, unit, bounds)
    except _Conflict as exc:
        return _refuse(cls, name, *exc.args)


def _known(cls: type[I], name: str, unit: str) -> I | None:
    """Give the metric of that name, if there is one, and if its kind and unit are these."""
    known = _instruments.get(name) if type(name) is str else None
    if known is None:
        return None
    if type(known) is not cls:
        raise _Conflict(f"it is a {known.kind} already")
    if unit and unit != known.unit:
        raise _Conflict(f"its unit is {known.unit!r} already, not {misuse.shown(unit)}")
    return known


def _make(cls: type[I], name: str, unit: str, bounds: tuple[float, ...] | None) -> I:
    if type(name) is not str or not _NAME.fullmatch(name):
        raise _Conflict("a name is letters, digits, '_', '.', '-' and '/', and begins with a letter")
    if len(_instruments) >= MAX_UNDECLARED:
        raise _Conflict(f"there are {MAX_UNDECLARED} names already: put what varies into a tag", "names")
    unit = encodable(text(unit)) if unit is not None else ""
    if bounds is None:
        bounds = buckets.default(unit) if cls.kind in ("histogram", "distribution") else ()
    made = _instruments[name] = cls.undeclared(name, unit, bounds)
    return made


def _bounds(name: str, bounds: Iterable[float] | None) -> tuple[float, ...] | None:
    if bounds is None:
        return None
    try:
        given = sorted({float(bound) for bound in bounds})
    except Exception as exc:
        problem = f"metric {misuse.shown(name)}: buckets are numbers ({misuse.shown(exc)}); the unit's are used"
        return misuse.refuse("buckets", problem, None)
    return tuple(bound for bound in given if abs(bound) < float("inf"))


def _agree(known: Instrument, unit: str, bounds: tuple[float, ...] | None, tags: object) -> None:
    if unit != known.unit:
        raise _Conflict(f"its unit is {known.unit!r} already, not {misuse.shown(unit)}")
    if tags != known.tags:
        raise _Conflict(f"it was declared with the tags {sorted(known.tags or ())} and their values")
    if bounds is not None and bounds != known.bounds:
        raise _Conflict(f"it has the buckets {known.bounds} already")


def _refuse(cls: type[I], name: str, problem: str, once: str = "") -> I:
    return misuse.refuse("metric", f"metric {misuse.shown(name)}: {problem}", _nothing(cls), once=once)


def _nothing(cls: type[I]) -> I:
    """Give the instrument of a kind that records nothing."""
    known = _refused.get(cls)
    if known is None:
        nowhere = lambda *args, **kwargs: None  # noqa: E731 -- takes whatever it is given
        itself = {"bind": lambda self, *args, **kwargs: self, "time": lambda *args, **kwargs: nullcontext()}
        inert: type[I] = type(
            cls.__name__, (cls,), {"__slots__": (), "add": nowhere, "set": nowhere, "record": nowhere, **itself}
        )
        known = _refused[cls] = inert.undeclared("", "", ())
    return known  # type: ignore[return-value]  # a subclass of cls


def forget() -> None:
    """Forget all names; for tests."""
    _instruments.clear()


def set_aside() -> Callable[[], None]:
    """Give what forgets the names that are new since now: of the declared ones, those that nobody holds any more."""
    before = frozenset(_instruments)

    def restore() -> None:
        new = {name: _instruments.pop(name) for name in _instruments.keys() - before}
        held = {name: weakref.ref(one) for name, one in new.items() if not one.implicit}
        new.clear()
        if held:
            gc.collect()  # each refers to itself
        _instruments.update({name: one for name, ref in held.items() if (one := ref()) is not None})

    return restore


def after_fork() -> None:
    """Replace the lock, which another thread may have held."""
    global _lock  # noqa: PLW0603 -- one per process
    _lock = threading.RLock()
