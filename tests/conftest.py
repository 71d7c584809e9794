"""Isolation: every test begins as a new process does, and leaves neither threads nor settings behind."""

import os
import threading

import pytest

import anytel
from anytel import runtime
from anytel.backends.memory import MemoryBackend
from anytel.tracing.context import current

pytest_plugins = ["pytester"]
VENDORS = ("TELEMETRY_", "SENTRY_", "DD_", "OTEL_", "DATADOG_")


@pytest.fixture(autouse=True)
def isolated(monkeypatch):
    """Clear the settings in the environment, forget all telemetry, and fail where a thread is left running."""
    for name in [name for name in os.environ if name.startswith(VENDORS)]:
        monkeypatch.delenv(name)
    runtime.reset()
    current.set(None)
    yield
    left = current.get()
    current.set(None)
    anytel.shutdown(timeout=5)
    runtime.reset()
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("anytel")]
    for thread in ours:
        thread.join(10)
    assert [thread.name for thread in ours if thread.is_alive()] == []
    assert left is None, "a span was left current"


class Memory:
    """A memory backend, read after everything recorded so far was delivered."""

    def __init__(self, backend):
        self.backend = backend

    def flush(self):
        assert anytel.flush(timeout=10)
        return self.backend

    @property
    def spans(self):
        return list(self.flush().finished)

    @property
    def logs(self):
        return list(self.flush().events)

    @property
    def errors(self):
        return list(self.flush().reports)

    @property
    def points(self):
        return list(self.flush().points)

    def span(self, name):
        """Give the one span of that name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def error(self):
        """Give the one error report."""
        (found,) = self.errors
        return found

    def point(self, name, **tags):
        """Give the last point of one series, whose tags are exactly these."""
        wanted = tuple(sorted(tags.items()))
        found = [point for point in self.points if point.series.name == name and point.series.tags == wanted]
        assert found, f"no series {name}{wanted} in {[(p.series.name, p.series.tags) for p in self.backend.points]}"
        return found[-1]

    def tags(self, name):
        """Give the tags of all series of a metric."""
        return {point.series.tags for point in self.points if point.series.name == name}

    def total(self, name, **tags):
        """Give a metric's value over all intervals."""
        return self.flush().value(name, **tags)


@pytest.fixture
def configured():
    """Give a function that configures a memory backend (or subclass), with further settings, and gives its reader."""

    def configure(backend=None, **settings):
        backend = backend if backend is not None else MemoryBackend()
        anytel.configure(**{"service": "shop", "log_format": "json", "backends": [backend], **settings})
        return Memory(backend)

    return configure


@pytest.fixture
def memory(configured):
    """Have one memory backend in force."""
    return configured()


@pytest.fixture
def run_python(tmp_path):
    """Give a function that runs a script in a fresh interpreter, without our settings, and gives its output."""
    import subprocess
    import sys

    def run(source, *, status=0, **env):
        script = tmp_path / "script.py"
        script.write_text(source)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(VENDORS)}
        command = [sys.executable, "-W", "error", script]
        env = {**clean, **env}
        done = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=50)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return run
