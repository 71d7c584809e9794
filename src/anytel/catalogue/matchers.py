"""Matchers: which series an expression is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from anytel.metrics.instruments import Instrument, rendered_tag

__all__ = ["Matched", "Pattern", "matchers"]


class Pattern(NamedTuple):
    """A value of a tag; in a *wild* one, ``*`` stands for any characters, and alone for at least one."""

    text: str
    wild: bool

    def matches(self, value: str) -> bool:
        """Whether *value* is such a value."""
        if not self.wild:
            return value == self.text
        if self.text == "*":
            return value != ""
        return re.fullmatch(".*".join(map(re.escape, self.text.split("*"))), value, re.DOTALL) is not None

    def example(self) -> str:
        """Give a value that matches."""
        return self.text.replace("*", "00") if self.wild else self.text


class Matched(NamedTuple):
    """The series whose tag is one of the *patterns*, or where *negated* none of them."""

    patterns: tuple[Pattern, ...]
    negated: bool

    def matches(self, value: str) -> bool:
        """Whether a series with that value of the tag (empty: without the tag) is one of them."""
        return any(pattern.matches(value) for pattern in self.patterns) != self.negated


def matchers(instrument: Instrument, tag: str, given: object) -> Matched:
    """Read what was given for a *tag* of *instrument*.

    A value that the tag is declared to have is taken as it stands, even with a ``*`` or ``!`` in it.

    Raises:
        ValueError: It is no matcher, or matches none of the allowed values; the message says which.
    """
    allowed = (instrument.tags or {}).get(tag)
    texts = [rendered_tag(one) for one in _several(given)]
    if not texts:
        raise ValueError(f"{tag} has no value to match")
    negated = [text.startswith("!") and text not in (allowed or ()) for text in texts]
    if len(set(negated)) > 1:
        raise ValueError(f"{tag}={given!r} mixes values with their opposite: write '!' before all of them or none")
    found = Matched(tuple(_patterns(texts, allowed, negated=negated[0])), negated[0])
    for pattern in found.patterns:
        if pattern.text == "":
            raise ValueError(f"{tag}='' matches nothing; '!*' is for series without the tag")
        if allowed is not None and not any(map(pattern.matches, allowed)):
            raise ValueError(f"{tag}={pattern.text!r} is none of {', '.join(sorted(allowed))}")
    return found


def _several(given: object) -> Iterable[object]:
    if isinstance(given, Iterable) and not isinstance(given, str | bytes):
        return sorted(given, key=str) if isinstance(given, set | frozenset) else list(given)
    return [] if given is None else [given]


def _patterns(texts: Iterable[str], allowed: frozenset[str] | None, *, negated: bool) -> Iterator[Pattern]:
    for text in texts:
        value = text[1:] if negated else text
        yield Pattern(value, "*" in value and value not in (allowed or ()))
