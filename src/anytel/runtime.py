"""The one module global through which everything dispatches, and the functions that exchange it."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from anytel import misuse
from anytel.backend import Backend
from anytel.config.settings import BackendSpec, Settings, misspelt, read
from anytel.errors import AnytelError, ConfigError
from anytel.metrics import registry
from anytel.metrics.store import nothing, store
from anytel.pipeline.accounts import Stats
from anytel.pipeline.guard import logger
from anytel.pipeline.pipeline import Intervals, Pipeline
from anytel.redaction import Redactor
from anytel.tracing.context import current
from anytel.tracing.joined import JoiningTracer
from anytel.tracing.propagator import FORMATS, Propagator
from anytel.tracing.trace import Sink
from anytel.tracing.tracer import OFF, NoopTracer, Tracer

if TYPE_CHECKING:
    from anytel.logs.chain import Processor
    from anytel.logs.output import LogOutput

__all__ = ["Runtime", "active", "configure", "flush", "reset", "shutdown", "stats"]


def _propagators(settings: Settings | None, backends: Sequence[Backend]) -> tuple[Propagator, Propagator]:
    """Give what writes headers for other services, and for what is inside of our server span."""
    if settings is None:
        return Propagator(), Propagator()
    formats, resource = settings.propagators.value, settings.resource
    asked = {one.name: one.baggage for one in backends if type(one).baggage is not Backend.baggage}
    chosen = [give for name, give in asked.items() if name in formats or name not in FORMATS]
    outward = Propagator(formats, settings.baggage.value, resource, chosen)
    return outward, Propagator(resource=resource, vendors=tuple(asked.values()))


class Runtime:
    """What is in force: the settings, the tracer and the pipeline. Without settings, nothing is recorded."""

    def __init__(
        self,
        settings: Settings | None,
        tracer: NoopTracer,
        pipeline: Pipeline,
        logs: LogOutput | None = None,
        log_processors: Sequence[Processor] = (),
    ) -> None:
        self.settings = settings
        self.tracer = tracer
        self.pipeline = pipeline
        self.logs = logs
        self.log_processors = log_processors
        self.resource: Mapping[str, str] = settings.resource if settings is not None else {}
        self.propagator, self.inward = _propagators(settings, pipeline.backends)

    def flush(self, deadline: float) -> bool:
        """Deliver and write everything so far; whether all of it was by *deadline*."""
        delivered = self.pipeline.flush(deadline)
        return (self.logs is None or self.logs.flush(deadline)) and delivered

    def close(self, deadline: float) -> bool:
        """Deliver and write everything, and end the threads; whether all of it was by *deadline*."""
        delivered = self.pipeline.close(deadline)
        return (self.logs is None or self.logs.close(deadline)) and delivered


def _nothing() -> Runtime:
    return Runtime(None, OFF, Pipeline((), {}, 0.0, Redactor(), store, Intervals()))


active = _nothing()
_closed: Pipeline | None = None
_exchange = threading.RLock()
amend: Callable[[Settings], Settings] | None = None
"""What a test's fixture makes of the settings that the application gives to `configure`."""


def _sink() -> Sink:
    return active.pipeline


def configure(
    *,
    service: str | None = None,
    environment: str | None = None,
    version: str | None = None,
    backends: str | BackendSpec | Sequence[BackendSpec] | None = None,
    sample_rate: float | None = None,
    span_mode: Literal["auto", "export", "native"] | None = None,
    log_level: str | None = None,
    log_format: Literal["auto", "console", "json"] | None = None,
    log_mode: Literal["sync", "async"] | None = None,
    capture_stdlib: bool | None = None,
    flush_interval: float | None = None,
    shutdown_timeout: float | None = None,
    redact: str | Sequence[str] | None = None,
    error_tags: str | Sequence[str] | None = None,
    log_processors: Sequence[Processor] = (),
    strict: bool | None = None,
    trust_incoming: bool | None = None,
    propagators: str | Sequence[str] | None = None,
    baggage: str | Sequence[str] | None = None,
) -> None:
    """Put settings into force. What is not given comes from ``TELEMETRY_*``, then the vendors' own variables.

    Builds the backends, exchanges them for those of an earlier call, and then drains the earlier ones. When it fails,
    everything stays as it was. Declared instruments and their totals survive.

    *log_processors* are structlog processors. They run on each log event once its context and ids are in it, and before
    it is redacted, sent and written.

    Raises:
        ConfigError: A setting cannot be used; it names the setting, its value, where it came from and what to do.
    """
    settings = read(locals())
    _tell_of_misspelt(strict=settings.strict.value)
    if amend is not None:
        settings = amend(settings)
    with _exchange:
        old = _put(_build(settings, log_processors))
    _join_otel()
    if old.settings is not None:
        old.close(time.monotonic() + settings.shutdown_timeout.value)
    if not settings.backends.value and settings.backends.origin == "default":
        from anytel.logs.logger import emit  # noqa: PLC0415 -- loads structlog

        emit("anytel", "info", "TELEMETRY_BACKENDS is not set: only log lines are written", {})


def _join_otel() -> None:
    """Be the providers of OpenTelemetry's API, as soon as somebody imports it."""
    if active.tracer is not OFF:
        from anytel.otel.install import install  # noqa: PLC0415 -- an unconfigured process does not need it

        install()


def _tell_of_misspelt(*, strict: bool) -> None:
    for name, meant in misspelt().items():
        problem, fix = "there is no such setting", f"Set {meant}."
        if strict:
            raise ConfigError(name, os.environ.get(name, ""), "the environment", problem, fix)
        logger.warning("%s is set, and %s: %s", name, problem, fix)


def _build(settings: Settings, log_processors: Sequence[Processor]) -> Runtime:
    from anytel.config.load import load  # noqa: PLC0415 -- an unconfigured process does not need it
    from anytel.logs.output import LogOutput  # noqa: PLC0415 -- loads structlog

    redactor = Redactor(settings.redact.value)
    intervals = Intervals(min(1.0, settings.flush_interval.value), settings.flush_interval.value)
    rate = settings.sample_rate.value
    backends: Sequence[Backend] = load(settings.backends, strict=settings.strict.value)
    _check_native(settings, backends)
    pipeline = Pipeline(backends, settings.resource, rate, redactor, store, intervals, settings.error_tags.value)
    logs = LogOutput(settings, pipeline, _processors(log_processors))
    try:
        pipeline.open()
    except AnytelError:
        raise
    except Exception as exc:
        names = ",".join(backend.name for backend in backends)
        problem = f"a backend could not be opened: {exc!r}"
        raise ConfigError("TELEMETRY_BACKENDS", names, settings.backends.origin, problem, "See the cause.") from exc
    tracer = _tracer(settings, backends)
    pipeline.tracer = tracer
    return Runtime(settings, tracer, pipeline, logs, log_processors)


def _tracer(settings: Settings, backends: Sequence[Backend]) -> NoopTracer:
    """Make the tracer: one that asks for vendors' own tracing only where a backend knows its vendor's."""
    if settings.backends.value == ("none",):
        return OFF
    joining = [backend for backend in backends if _joins(backend)]
    rate = settings.sample_rate.value
    if not joining:
        return Tracer(rate, _sink)
    return JoiningTracer(rate, _sink, joining, adopts=settings.span_mode.value != "export")


def _joins(backend: Backend) -> bool:
    return type(backend).tracing is not Backend.tracing


def _check_native(settings: Settings, backends: Sequence[Backend]) -> None:
    """Refuse ``native`` where a backend that takes spans has no vendor's tracing to take part in."""
    mode = settings.span_mode
    unable = [backend.name for backend in backends if "span" in backend.signals and not _joins(backend)]
    if mode.value == "native" and unable:
        problem = f"{', '.join(unable)} has no tracing of its own that ours could take part in"
        raise ConfigError("TELEMETRY_SPAN_MODE", mode.value, mode.origin, problem, "Use auto.")


def _processors(given: Sequence[Processor]) -> Sequence[Processor]:
    try:
        processors = tuple(given)
    except TypeError:
        processors = (given,)  # type: ignore[assignment]  # refused below, if it is no processor either
    if not all(map(callable, processors)):
        fix = "Give a list of structlog processors: callables of a logger, a method name and an event."
        raise ConfigError("log_processors", given, "configure(log_processors=)", "these are no processors", fix)
    return processors


def _put(new: Runtime) -> Runtime:
    """Put *new* into force and give what was."""
    global active
    old, active = active, new
    settings, pipeline = new.settings, new.pipeline
    misuse.set_strict(settings.strict.value if settings is not None else False)
    store.redact_by(pipeline.redactor)
    store.exemplars = pipeline.wants_exemplars
    store.recording = bool(pipeline.backends)
    store.on_record = pipeline.start if store.recording else nothing
    if store.recording:
        pipeline.start_if_recorded()
    if new.logs is not None:
        new.logs.put_into_force()
    elif old.logs is not None:
        _release_logs()
    return old


def _release_logs() -> None:
    """Leave others' logs as they were found; our own lines are still written."""
    from anytel.logs import capture  # noqa: PLC0415 -- loaded with the output that is being released

    capture.stop()


def flush(timeout: float = 2.0) -> bool:
    """Deliver everything recorded so far; whether all of it was delivered within *timeout* seconds."""
    if active.settings is None:
        return True
    return active.flush(time.monotonic() + timeout)


def shutdown(timeout: float | None = None) -> bool:
    """End all telemetry: open spans are ended and marked ``anytel.unfinished``, and everything is delivered.

    *timeout* is in seconds, by default ``TELEMETRY_SHUTDOWN_TIMEOUT``. Gives whether everything was delivered within
    it. Afterwards the API does nothing, until the next `configure`.
    """
    global _closed  # noqa: PLW0603 -- the last one, for its accounts
    with _exchange:
        if active.settings is None:
            return True
        if timeout is None:
            timeout = active.settings.shutdown_timeout.value
        deadline = time.monotonic() + timeout
        _end_open_spans(active.tracer, deadline)
        old = _put(_nothing())
    _closed = old.pipeline
    return old.close(deadline)


def _end_open_spans(tracer: NoopTracer, deadline: float) -> None:
    for trace in list(tracer.live.values()):
        if time.monotonic() >= deadline:
            return
        for span in list(trace.open.values()):
            trace.disowned.add(span._id)
            span.set({"anytel.unfinished": True})
            span.end()


def stats() -> Stats:
    """Give the accounts: emitted, delivered and dropped per backend and signal, and what the API refused.

    After `shutdown`, they are those that it has closed.
    """
    pipeline = _closed if active.settings is None and _closed is not None else active.pipeline
    return Stats(pipeline.counts())


def reset() -> None:
    """Forget everything, as in a new process; for tests. Nothing is delivered."""
    global _closed  # noqa: PLW0603 -- as above
    active.tracer.forget()
    _put(_nothing()).pipeline.discard()
    _closed = None
    if "anytel.logs.logger" in sys.modules:
        sys.modules["anytel.logs.logger"].forget()
    if "anytel.catalogue.declared" in sys.modules:
        sys.modules["anytel.catalogue.declared"].forget()
    store.forget()
    store.observers.forget()
    registry.forget()
    misuse.reset()


def _after_fork() -> None:
    global _exchange  # noqa: PLW0603 -- another thread may have held it
    _exchange = threading.RLock()
    misuse.reset()
    registry.after_fork()
    span = current.get()
    for trace in (*active.tracer.live.values(), *((span._trace,) if span is not None else ())):
        trace.disown()
    active.tracer.forget()
    active.pipeline.after_fork()
    store.forget()
    _before_child_ends()


def _before_child_ends() -> None:
    """Deliver at the end of a child of multiprocessing, which ends without ``atexit``."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(_sink, lambda _: util.Finalize(None, shutdown, exitpriority=100))


os.register_at_fork(after_in_child=_after_fork)
atexit.register(shutdown)
