"""Finding our series behind a vendor's spelling of their names and tags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, KeysView, Mapping

from anytel.testing.observe.seen import Catalogue, Metric, SeriesKey

__all__ = ["Lookup", "series_key"]


def series_key(metric: str, tags: Mapping[str, str]) -> SeriesKey:
    """Make the key of a metric with *tags*."""
    return SeriesKey(metric, tuple(sorted(tags.items())))


class Lookup:
    """Knows the series of *catalogue* as a vendor has them: under the names and tags that *spell* gives."""

    def __init__(self, catalogue: Catalogue, spell: Callable[[SeriesKey, Metric], SeriesKey]) -> None:
        self._catalogue = catalogue
        self._ours = {spell(key, metric): key for key, metric in catalogue.items()}
        self._tags: defaultdict[str, set[str]] = defaultdict(set)
        for name, tags in self._ours:
            self._tags[name].update(tag for tag, _ in tags)

    @property
    def names(self) -> KeysView[str]:
        """The metrics' names, as the vendor has them."""
        return self._tags.keys()

    def find(self, name: str, tags: Mapping[str, str]) -> SeriesKey:
        """Give our key of what a vendor has under *name* with *tags*, of which those that every metric has are ignored.

        What is none of our series keeps the vendor's spelling.
        """
        spelled = series_key(name, {tag: value for tag, value in tags.items() if tag in self._tags.get(name, ())})
        return self._ours.get(spelled, spelled)

    def metric(self, key: SeriesKey) -> Metric | None:
        """Give the metric of one of our series."""
        return self._catalogue.get(key)
