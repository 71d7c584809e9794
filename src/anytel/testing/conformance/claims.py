"""What a backend claims of each feature, and the list of the features that claims are made about."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

__all__ = ["FEATURES", "SIGNALS", "Claim", "Fidelity", "Word", "approximate", "exact", "unsupported"]

Word: TypeAlias = Literal["exact", "approximate", "unsupported"]

WORDS: tuple[Word, ...] = get_args(Word)
SIGNALS = ("metric", "span", "log", "error")

FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "metric.count": "the sum of the increments",
        "metric.gauge": "the last value",
        "metric.distribution": "number, sum and extremes of the values, and the values themselves",
        "metric.histogram": "number and sum of the values, and how many are in each declared bucket",
        "metric.set": "how many different values were seen",
        "metric.name": "the name as it was declared",
        "metric.tags": "the tags, names and values, as they were given",
        "metric.unit": "the unit as it was declared",
        "metric.description": "the description",
        "metric.exemplars": "the ids of a span in which a value was recorded",
        "span.id": "the 128-bit trace id and the span id, once",
        "span.name": "the name",
        "span.time": "start and end, in nanoseconds",
        "span.parent": "the parent's id",
        "span.kind": "internal, server, client, producer or consumer",
        "span.status": "unset, ok or error, and the message",
        "span.service": "the service",
        "span.attributes": "names, values and their types",
        "span.events": "name, time and attributes of each",
        "span.links": "ids and attributes of each",
        "span.exception": "type, message and traceback of what failed the span",
        "log.message": "the event",
        "log.level": "debug, info, warning, error or critical",
        "log.logger": "the logger's name",
        "log.attributes": "names, values and their types",
        "log.trace": "the ids of the span that it was written in",
        "log.exception": "type, message and traceback",
        "error.id": "the report's id, once",
        "error.exception": "type, message and traceback",
        "error.chain": "what it was raised from or during",
        "error.group": "the members of an exception group",
        "error.handled": "whether the application caught it",
        "error.attributes": "names, values and their types",
        "error.trace": "the ids of the span that it left",
    }
)
"""Every feature that can be claimed, and what *exact* means for it."""

_ERROR = re.compile(r"within (\d+(?:\.\d+)?) ?%")


@dataclass(frozen=True, slots=True)
class Claim:
    """How faithfully one feature arrives. *error* is the largest relative error, where *how* is about numbers."""

    word: Word
    how: str = ""
    error: float | None = None

    @classmethod
    def parse(cls, text: str) -> Claim:
        """Read ``exact``, ``approximate: how`` or ``unsupported: why``; *how* may say ``within 5 %``.

        Raises:
            ValueError: It is none of these, or *how* is missing.
        """
        start, _, how = (part.strip() for part in text.partition(":"))
        word = next((one for one in WORDS if one == start), None)
        if word is None:
            raise ValueError(f"{text!r} begins with none of {', '.join(WORDS)}")
        if word != "exact" and not how:
            raise ValueError(f"{text!r} does not say how, or why not")
        error = _ERROR.search(how)
        return cls(word, how, float(error[1]) / 100 if error else None)

    def __str__(self) -> str:
        return f"{self.word}: {self.how}" if self.how else self.word


def exact(how: str = "") -> str:
    """Claim that all of a feature arrives; *how*, where that is not obvious."""
    return str(Claim("exact", how))


def approximate(how: str, error: float | None = None) -> str:
    """Claim that a feature arrives changed; *error* is the largest relative error of a number (0.05: 5 %)."""
    return str(Claim("approximate", how if error is None else f"{how} (within {error * 100:g} %)"))


def unsupported(why: str) -> str:
    """Claim that nothing of a feature arrives."""
    return str(Claim("unsupported", why))


class Fidelity(Mapping[str, Claim]):
    """The claims of one backend: `anytel.backend.Backend.fidelity`, read.

    A feature that is not named has the claim of its signal (``span``), and else that of ``*``.
    """

    def __init__(self, stated: Mapping[str, str]) -> None:
        self.stated = {key: Claim.parse(text) for key, text in stated.items()}

    def __getitem__(self, feature: str) -> Claim:
        for key in (feature, feature.partition(".")[0], "*"):
            if key in self.stated:
                return self.stated[key]
        raise KeyError(f"nothing is claimed of {feature}")

    def __iter__(self) -> Iterator[str]:
        return (feature for feature in FEATURES if any(key in self.stated for key in _keys(feature)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def unknown(self) -> list[str]:
        """Give what is claimed and no feature, each with the nearest one."""
        known = {*FEATURES, *SIGNALS, "*"}
        return [f"{key} (nearest: {_nearest(key)})" for key in self.stated if key not in known]

    def silent(self) -> list[str]:
        """Give the features of which nothing is claimed."""
        return [feature for feature in FEATURES if feature not in self]

    def __contains__(self, feature: object) -> bool:
        return isinstance(feature, str) and any(key in self.stated for key in _keys(feature))


def _keys(feature: str) -> tuple[str, str, str]:
    return feature, feature.partition(".")[0], "*"


def _nearest(key: str) -> str:
    return next(iter(difflib.get_close_matches(key, FEATURES, n=1, cutoff=0.0)))
