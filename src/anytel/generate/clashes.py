"""Clashes: what is two things for us and one for a vendor."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.validate import problem
from anytel.errors import DeclarationError
from anytel.generate.spelling import Speller
from anytel.metrics.instruments import Instrument

__all__ = ["refuse_clashes"]


def refuse_clashes(catalogue: Catalogue, spell: Speller, taken: Collection[str] = ()) -> None:
    """Check that no two metrics, and no two tags of one, get the same name; the names of tags *taken* are not free.

    Raises:
        DeclarationError: Some do.
    """
    found = list(_metrics(catalogue, spell))
    for instrument in catalogue.instruments.values():
        found += _tags(instrument, spell, taken)
    if found:
        raise DeclarationError(found)


def _metrics(catalogue: Catalogue, spell: Speller) -> Iterator[str]:
    owners: dict[str, Instrument] = {}
    for instrument in catalogue.instruments.values():
        spelling = spell(instrument)
        names = sorted(spelling.reserved or {spelling.name})
        other = next((owners[name] for name in names if name in owners), None)
        if other is not None:
            shared = next(name for name in names if name in owners)
            wrong = f"it is {shared!r} there, as {other.name!r} declared at {other.place} is"
            yield problem(instrument.place, f"metric {instrument.name!r}", wrong, "Rename one of them.")
        owners.update({name: instrument for name in names if name not in owners})


def _tags(instrument: Instrument, spell: Speller, taken: Collection[str]) -> Iterator[str]:
    tags = spell(instrument).tags
    for tag, label in tags.items():
        others = [other for other in tags if other < tag and tags[other] == label]
        what = f"metric {instrument.name!r}"
        if others:
            wrong = f"its tags {others[0]!r} and {tag!r} are both {label!r} there"
            yield problem(instrument.place, what, wrong, "Rename one of them.")
        if label in taken:
            yield problem(instrument.place, what, f"its tag {tag!r} is {label!r} there, which is taken", "Rename it.")
