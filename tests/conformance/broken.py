"""Backends that are wrong in one way each, on the kit. Not collected by itself: `test_broken.py` runs it."""

import os
import threading
from dataclasses import replace
from typing import ClassVar

import pytest
from hypothesis import Phase, settings

from anytel.backend import Ack
from conformance.spool import SpoolBackend, SpoolKit


class Raises(SpoolBackend):
    """Raises at a character that its encoding does not have."""

    def logs(self, batch, deadline):
        for log in batch:
            repr((log.message, log.attributes)).encode("latin-1")
        return super().logs(batch, deadline)


class Sleeps(SpoolBackend):
    """Waits for its dead wire without looking at the clock."""

    def spans(self, batch, deadline):
        threading.Event().wait(60)
        return Ack(0, {"never": len(batch)})


class LosesEveryTenth(SpoolBackend):
    """Says that it has delivered what it has not."""

    def spans(self, batch, deadline):
        super().spans([span for number, span in enumerate(batch, 1) if number % 10], deadline)
        return Ack(len(batch))


class DoublesAfterFork(SpoolBackend):
    """Keeps the last points in case they have to be sent again, and a child inherits them."""

    def __init__(self, path):
        super().__init__(path)
        self.unsure, self.process = [], os.getpid()

    def metrics(self, batch, deadline):
        if self.process != os.getpid():
            self.write("metric", self.unsure)
            self.process = os.getpid()
        self.unsure = [point for point in batch.points if point.series.kind == "count"]
        return super().metrics(batch, deadline)


class Leaks(SpoolBackend):
    """Adds the environment to error reports, to be helpful."""

    def errors(self, batch, deadline):
        return super().errors([replace(one, attributes={**one.attributes, **os.environ}) for one in batch], deadline)


class SwapsParents(SpoolBackend):
    """Takes the local root for the parent."""

    def spans(self, batch, deadline):
        return super().spans([self.below_root(span) for span in batch], deadline)

    @staticmethod
    def below_root(span):
        return span if span.is_root else replace(span, parent_id=span.root_id)


class DropsTags(SpoolBackend):
    """Sends the first tag of each series."""

    def metrics(self, batch, deadline):
        points = [replace(point, series=replace(point.series, tags=point.series.tags[:1])) for point in batch.points]
        self.write("metric", points)
        return Ack(len(points))


class Overclaims(SpoolBackend):
    """Sends no links, and says that it does."""

    def spans(self, batch, deadline):
        return super().spans([replace(span, links=()) for span in batch], deadline)


class Underclaims(SpoolBackend):
    """Sends events, and says that it does not."""

    fidelity: ClassVar = {"*": "exact", "span.events": "unsupported: nobody has tried", "span.knd": "exact"}


class Kit(SpoolKit):
    patience = 3.0
    hypothesis = settings(SpoolKit.hypothesis, phases=[Phase.generate])  # shrinking takes a minute

    @pytest.fixture
    def wire(self, tmp_path):
        self.folder = tmp_path


class TestSound(Kit):
    pass


class TestRaises(Kit):
    kind = Raises


class TestSleeps(Kit):
    patience = 2.0

    def make_dead(self):
        return Sleeps(self.folder / "dead")


class TestLosesEveryTenth(Kit):
    kind = LosesEveryTenth


class TestDoublesAfterFork(Kit):
    kind = DoublesAfterFork


class TestLeaks(Kit):
    kind = Leaks


class TestSwapsParents(Kit):
    kind = SwapsParents


class TestDropsTags(Kit):
    kind = DropsTags


class TestOverclaims(Kit):
    kind = Overclaims


class TestUnderclaims(Kit):
    kind = Underclaims
