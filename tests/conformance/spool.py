"""A wire that processes share: a file to which a backend appends the records as they are."""

import pickle
from typing import ClassVar

from anytel.backend import Ack, Backend
from anytel.testing.conformance import BackendConformance, Observed, observed


class SpoolBackend(Backend):
    """Appends what it gets to the file at *path*, one pickle per batch."""

    name = "spool"
    exemplars = True
    fidelity: ClassVar = {"*": "exact"}

    def __init__(self, path):
        self.path = path

    def spans(self, batch, deadline):
        return self.write("span", batch)

    def metrics(self, batch, deadline):
        return self.write("metric", batch.points)

    def logs(self, batch, deadline):
        return self.write("log", batch)

    def errors(self, batch, deadline):
        return self.write("error", batch)

    def write(self, signal, records):
        with self.path.open("ab") as file:
            file.write(pickle.dumps((signal, list(records))))
        return Ack(len(records))


class SpoolKit(BackendConformance):
    """The kit over the spool of a backend of that *kind*."""

    kind = SpoolBackend

    def make(self):
        self.path = self.folder / "spool"
        self.path.write_bytes(b"")
        return self.kind(self.path)

    def read(self):
        found = {"span": [], "metric": [], "log": [], "error": []}
        raw = self.path.read_bytes()
        with self.path.open("rb") as file:
            while file.tell() < len(raw):
                signal, records = pickle.load(file)
                found[signal].extend(records)
        got = observed(found["span"], found["metric"], found["log"], found["error"])
        return Observed(metrics=got.metrics, spans=got.spans, logs=got.logs, errors=got.errors, raw=raw)
