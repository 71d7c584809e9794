"""The memory backend on the kit: what the reference is must itself conform."""

from anytel.backends.memory import MemoryBackend
from anytel.testing.conformance import BackendConformance, Observed, observed


class TestMemory(BackendConformance):
    """Its wire is its own memory."""

    shared_wire = False

    def make(self) -> MemoryBackend:
        self.kept = MemoryBackend()
        return self.kept

    def read(self) -> Observed:
        kept = self.kept
        found = observed(kept.finished, kept.points, kept.events, kept.reports)
        return Observed(
            spans=found.spans, metrics=found.metrics, logs=found.logs, errors=found.errors, raw=repr(found).encode()
        )
