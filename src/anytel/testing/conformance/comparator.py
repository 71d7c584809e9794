"""The comparator: what two places show of the same recording, up to what is claimed. One definition of "the same"."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from anytel.testing.conformance.cells import Cell, Spell, cells, unasked
from anytel.testing.conformance.claims import FEATURES, Claim, Fidelity, Word
from anytel.testing.conformance.observed import Measured, Observed
from anytel.testing.conformance.series import JUDGED

__all__ = ["Difference", "as_written", "compare", "measure"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as claimed; *feature* is empty where it concerns what arrived as a whole."""

    feature: str
    item: str
    want: object
    got: object
    why: str

    def __str__(self) -> str:
        return f"{self.feature or 'the wire'}, {self.item}: {self.why}; wanted {self.want!r}, got {self.got!r}"


def as_written(series: Measured) -> tuple[str, Mapping[str, str]]:
    """Spell a series as we do."""
    return series.name, series.tags


def compare(reference: Observed, observed: Observed, fidelity: Fidelity, spell: Spell = as_written) -> list[Difference]:
    """Compare what *observed* shows with the *reference*.

    ``exact``: it is the same. ``approximate``: all of it is there, numbers within the claimed error; of fewer than 100
    values the number must be right. ``unsupported``: nothing is there. Vendors may add tags and
    attributes of their own. *spell* says how a series of the reference is written where *observed* comes from.
    """
    found = [Difference("", "a record", None, one, "it cannot be read") for one in observed.malformed]
    for cell in cells(reference, observed, spell):
        why = _judge(cell, fidelity[cell.feature])
        if why:
            found.append(Difference(*cell, why))
    return [*found, *(Difference(*cell, "it should not be there") for cell in unasked(reference, observed, spell))]


def measure(reference: Observed, observed: Observed, spell: Spell = as_written) -> dict[str, Word]:
    """Find out for each feature that the reference has what should be claimed of it."""
    by_feature: dict[str, list[Cell]] = {}
    for cell in cells(reference, observed, spell):
        if not _blank(cell.want):
            by_feature.setdefault(cell.feature, []).append(cell)
    return {feature: _word(by_feature[feature]) for feature in FEATURES if feature in by_feature}


def _word(found: Sequence[Cell]) -> Word:
    if all(_same(cell.want, cell.got) for cell in found):
        return "exact"
    return "unsupported" if not any(_shown(cell.got) for cell in found) else "approximate"


def _judge(cell: Cell, claim: Claim) -> str:
    """Say what contradicts the claim, or nothing."""
    match claim.word:
        case "exact":
            both_blank = _blank(cell.want) and _blank(cell.got)
            return "" if both_blank or _same(cell.want, cell.got) else "it is not the same"
        case "unsupported":
            return "it is there, though claimed as unsupported" if _shown(cell.got) and not _blank(cell.want) else ""
        case _:
            if _blank(cell.want) or cell.feature == "metric.unit":  # a wire may have the units of some kinds only
                return ""
            return _judge_roughly(cell, claim.error) if _shown(cell.got) else "nothing of it is there"


def _judge_roughly(cell: Cell, error: float | None) -> str:
    want, got = cell.want, cell.got
    if isinstance(want, Mapping) and isinstance(got, Mapping) and "quantiles" in want:
        return _judge_distribution(want, got, error)
    if isinstance(want, int | float) and isinstance(got, int | float) and error is not None:
        return "" if _within(float(want), float(got), error) else f"it is off by more than {error:.2%}"
    return ""


def _judge_distribution(want: Mapping[str, object], got: Mapping[str, object], error: float | None) -> str:
    count = want["count"]
    if isinstance(count, int | float) and count < JUDGED:
        return "" if got["count"] is None or _same(count, got["count"]) else "values are missing"
    ours, theirs = want["quantiles"], got["quantiles"]
    if error is None or not isinstance(ours, tuple) or not isinstance(theirs, tuple):
        return ""
    far = any(not _within(one, other, error) for one, other in zip(ours, theirs, strict=True))
    return f"a quantile is off by more than {error:.2%}" if far and want.get("values") is not None else ""


def _within(want: float, got: float, error: float) -> bool:
    return math.isclose(want, got, rel_tol=1e-9) or abs(got - want) <= error * abs(want)


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str | tuple | Mapping | frozenset) and not value)


def _shown(value: object) -> bool:
    if isinstance(value, Mapping) and "quantiles" in value:
        return any(part is not None for part in value.values())
    return not _blank(value)


def _same(want: object, got: object) -> bool:
    """Compare, floats up to the last digits; a part of a mapping that the reference does not know may be anything."""
    if isinstance(want, bool) or isinstance(got, bool):
        return want is got
    if isinstance(want, float) or isinstance(got, float):
        return _number(want) and _number(got) and math.isclose(want, got, rel_tol=1e-9, abs_tol=1e-12)  # type: ignore[arg-type]  # both are numbers
    if isinstance(want, Mapping) and isinstance(got, Mapping):
        if "quantiles" in want:
            return all(_same(want[key], got.get(key)) for key in _known(want))
        return _by_key(want) == _by_key(got) and all(_same(*pair) for pair in _paired(want, got))
    if isinstance(want, tuple) and isinstance(got, tuple):
        return len(want) == len(got) and all(map(_same, want, got))
    return want == got


def _known(want: Mapping[object, object]) -> Iterable[object]:
    """Quantiles follow from the values, so they need not be compared."""
    return (key for key, value in want.items() if value is not None and key != "quantiles")


def _by_key(values: Mapping[object, object]) -> list[object]:
    return sorted((_rounded(key) for key in values), key=str)


def _paired(want: Mapping[object, object], got: Mapping[object, object]) -> Iterator[tuple[object, object]]:
    theirs = {_rounded(key): value for key, value in got.items()}
    return ((value, theirs[_rounded(key)]) for key, value in want.items())


def _rounded(key: object) -> object:
    """Give a bucket's bound so that converting its unit does not make it another."""
    return float(f"{key:.9g}") if isinstance(key, float) else key


def _number(value: object) -> bool:
    return isinstance(value, int | float)
