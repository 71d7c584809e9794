"""Backends that do what backends should not."""

import threading

from anytel.backend import Ack, Backend
from anytel.backends.memory import MemoryBackend


class Named(MemoryBackend):
    """A memory backend that says what it is called, and notes its calls."""

    def __init__(self):
        super().__init__()
        self.calls = []
        self.received = threading.Event()

    def open(self, host):
        self.host = host
        self.calls.append("open")

    def spans(self, batch, deadline):
        ack = super().spans(batch, deadline)
        self.received.set()
        return ack

    def flush(self, deadline):
        self.calls.append("flush")
        return True

    def close(self, deadline):
        self.calls.append("close")
        return True


class First(Named):
    name = "first"


class Second(Named):
    name = "second"


class Raising(Backend):
    """Raises in every method but `open`."""

    name = "raising"

    def __init__(self, problem=RuntimeError):
        self.problem = problem

    def _fail(self, *args):
        raise self.problem("broken on purpose")

    spans = metrics = logs = errors = flush = close = _fail


class Blocked(Backend):
    """Blocks in the methods that are named, until it is released."""

    name = "blocked"

    def __init__(self, *methods):
        self.entered = threading.Event()
        self.released = threading.Event()
        self.methods = methods

    def _maybe(self, method):
        if method in self.methods:
            self.entered.set()
            assert self.released.wait(30)

    def spans(self, batch, deadline):
        self._maybe("spans")
        return Ack(len(batch))

    def flush(self, deadline):
        self._maybe("flush")
        return True

    def close(self, deadline):
        self._maybe("close")
        return True


class Acking(Named):
    """Answers each batch of spans with the next of *acks*: a value, or a function of the batch's length."""

    name = "acking"

    def __init__(self, *acks):
        super().__init__()
        self.acks = list(acks)
        self.batches = []
        self.attempts = threading.Semaphore(0)

    def spans(self, batch, deadline):
        self.batches.append([span.name for span in batch])
        ack = self.acks.pop(0) if self.acks else Ack
        self.attempts.release()
        return ack(len(batch)) if callable(ack) else ack
