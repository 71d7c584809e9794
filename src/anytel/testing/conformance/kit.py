# ruff: noqa: S101 -- a kit of tests asserts
"""What the tests of all areas share: the adapter beside the reference, and reading both."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

import pytest

import anytel
from anytel import runtime
from anytel.backend import Backend, Signal
from anytel.testing.conformance.claims import SIGNALS, Fidelity
from anytel.testing.conformance.comparator import Difference, as_written, compare
from anytel.testing.conformance.observed import Measured, Observed
from anytel.testing.conformance.reference import Reference

__all__ = ["Kit"]


class Kit:
    """What a backend's author states, and the means by which the tests use it."""

    fidelity: ClassVar[Mapping[str, str] | None] = None
    """What is claimed; None: what the backend's own class states."""
    names: ClassVar[Mapping[str, str]] = {}
    """The golden naming table: a metric of `NAMES` -> its name on the wire, where that is another."""
    shared_wire: ClassVar[bool] = True
    """Whether `read` sees what a forked child of this process sends."""
    patience: ClassVar[float] = 10.0
    """Seconds until what does not come is missed. Nothing waits that long when all is well."""

    def make(self) -> Backend:
        """Give a new adapter over its real SDK, pointed at the wire, which is empty from now on."""
        raise NotImplementedError

    def read(self) -> Observed:
        """Give what has arrived since `make`, decoded into our words, once everything that was sent has been read."""
        raise NotImplementedError

    def make_dead(self) -> Backend | None:
        """Give an adapter whose wire never answers; None where nothing is waited for."""
        return None

    def spell(self, series: Measured) -> tuple[str, Mapping[str, str]]:
        """Give the name and the tags that *series* of ours has on the wire."""
        return as_written(series)

    @pytest.fixture
    def wire(self) -> None:
        """Override this to run receivers during each test: a generator that yields once they run."""

    @pytest.fixture(autouse=True)
    def isolation(self, wire: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Begin and end as a new process does."""
        for name in [name for name in os.environ if name.startswith("TELEMETRY_")]:
            monkeypatch.delenv(name)
        runtime.reset()
        self._begin()
        yield
        anytel.shutdown(self.patience)
        runtime.reset()

    def _begin(self) -> None:
        self.backend, self.reference = self.make(), Reference()

    # What the tests use.

    @property
    def claims(self) -> Fidelity:
        """What is claimed."""
        return Fidelity(self.fidelity if self.fidelity is not None else self.backend.fidelity)

    def needs(self, feature: str) -> None:
        """Skip the test where *feature* is not supported; that nothing of it arrives is another test."""
        if feature in self.claims and self.claims[feature].word == "unsupported":
            pytest.skip(f"{feature} is {self.claims[feature]}")

    @property
    def signals(self) -> list[Signal]:
        """The signals that arrive, in whatever form."""
        claimed: list[Signal] = [signal for signal in SIGNALS if self._arrives(signal)]  # type: ignore[misc]  # words
        return [signal for signal in claimed if signal in self.backend.signals]

    def _arrives(self, signal: str) -> bool:
        features = [claim for key, claim in self.claims.items() if key.startswith(f"{signal}.")]
        return any(claim.word != "unsupported" for claim in features)

    def start(self, *siblings: Backend, sample_rate: float = 1.0) -> None:
        """Put the adapter into force beside the reference and *siblings*; only a flush ends an interval."""
        anytel.configure(
            service="kit",
            backends=[*siblings, self.backend, self.reference],
            sample_rate=sample_rate,
            flush_interval=3_600,
            log_format="json",
            log_level="debug",
        )

    def arrived(self) -> Observed:
        """Deliver everything and give what arrived."""
        assert anytel.flush(self.patience), f"not everything was delivered: {anytel.stats().backends}"
        return self.read()

    def differences(self, *features: str) -> list[Difference]:
        """Deliver everything; give what is not as claimed, of these features or, without any, of all."""
        observed = self.arrived()
        found = compare(self.reference.observed(), observed, self.claims, self.spell)
        return [one for one in found if not features or one.feature in features or not one.feature]

    def agree(self, *features: str) -> None:
        """Assert that these *features* arrived as claimed."""
        found = self.differences(*features)
        assert not found, "\n".join(map(str, found))

    def values(self, name: str, **tags: str) -> list[Measured]:
        """Deliver everything and give what arrived of our series of this *name* and *tags*."""
        observed = self.arrived()
        ours = [one for one in self.reference.observed().metrics if one.name == name and one.tags == tags]
        assert ours, f"nothing was recorded to {name} {tags}"
        wire_name, wire_tags = self.spell(ours[0])
        return [one for one in observed.metrics if one.name == wire_name and wire_tags.items() <= one.tags.items()]

    # Marks: one record of every signal, found again by its label.

    def emit(self, label: str) -> None:
        """Record one span, count, log event and error that carry *label*."""
        with anytel.span(label):
            anytel.count(_metric(label))
            anytel.get_logger("kit").info(label)
            try:
                raise RuntimeError(label)  # noqa: TRY301 -- raised and caught here on purpose
            except RuntimeError as exc:
                anytel.capture_exception(exc)

    def seen(self, label: str, observed: Observed | None = None) -> dict[Signal, float]:
        """Give how often what carries *label* is in *observed*, or has arrived so far, by signal that can arrive."""
        found = observed if observed is not None else self.read()
        counted = self.spell(Measured(name=_metric(label), kind="count", unit=""))[0]
        counts: dict[Signal, float] = {
            "span": sum(span.name == label for span in found.spans),
            "metric": sum(one.value or 0 for one in found.metrics if one.name == counted),
            "log": sum(log.message == label for log in found.logs),
            "error": sum(one.exception is not None and one.exception.message == label for one in found.errors),
        }
        return {signal: counts[signal] for signal in self.signals}

    def times(self, count: float) -> dict[Signal, float]:
        """Give what `seen` gives for what arrived *count* times."""
        return dict.fromkeys(self.signals, count)

    @property
    def pulled(self) -> bool:
        """Whether nothing is sent: the adapter answers when it is asked, and so has neither queue nor account."""
        return self.backend.metric_flow == "pull"

    @property
    def sees_totals(self) -> bool:
        """Whether metrics arrive as what they came to since the process began."""
        return self.backend.metric_flow in ("pull", "cumulative")

    def eventually(self, condition: Callable[[], bool]) -> bool:
        """Whether *condition* becomes true; it may itself wait for a moment."""
        return self.within_patience(lambda: _until(condition, time.monotonic() + self.patience))

    def within_patience(self, do: Callable[[], object]) -> bool:
        """Whether *do* ends, and not with False; it runs in a thread that is left behind where it does not end."""
        done, results = threading.Event(), list[object]()

        def work() -> None:
            try:
                results.append(do())
            finally:
                done.set()

        threading.Thread(target=work, name="conformance", daemon=True).start()
        return done.wait(2 * self.patience) and results != [] and results[0] is not False


def _metric(label: str) -> str:
    return f"kit.{label}"


def _until(condition: Callable[[], bool], deadline: float) -> bool:
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)  # what is waited for has no event: another library's thread, or a wire's other end
    return True
