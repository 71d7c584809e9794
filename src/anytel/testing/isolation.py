"""One test's own telemetry: what the process had is set aside before it, and brought back after it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from anytel import misuse, runtime
from anytel.backends.memory import MemoryBackend
from anytel.config.load import check
from anytel.config.settings import BackendSpec, Settings, read
from anytel.config.sources import Setting
from anytel.logs import logger
from anytel.metrics import registry
from anytel.metrics.store import Store, store
from anytel.tracing.context import current
from anytel.tracing.tracer import Tracer

__all__ = ["Isolation"]

ORIGIN = "the telemetry fixture"
TIMEOUT = 10.0
"""Seconds for which the end of a test waits for what is not delivered."""


class Isolation:
    """Between ``__enter__`` and ``__exit__``, everything recorded in this process goes to *memory* and *adapters*.

    That holds for all threads and tasks, since those that a test starts inherit nothing by which they could be told
    from others. What the application configures is in force, but for backends and sample rate.
    """

    def __init__(
        self, memory: MemoryBackend, adapters: Sequence[BackendSpec], strict: bool | None, sample_rate: float
    ) -> None:
        self._memory, self._adapters, self._strict, self._rate = memory, adapters, strict, sample_rate
        self._undo = ExitStack()
        self.refusals: list[tuple[str, str]] = []
        """What the API has refused: reasons and messages."""
        self.earlier: frozenset[int] = frozenset()
        """The ids of spans that were open before; they are not the test's."""

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            self._begin(undo)
            self._undo = undo.pop_all()
        return self

    def _begin(self, undo: ExitStack) -> None:
        undo.callback(misuse.set_aside(lambda reason, message: self.refusals.append((reason, message))))
        undo.callback(registry.set_aside())
        undo.callback(self._memory.clear)  # before the names are looked at: points hold their series
        undo.callback(store.set_aside())
        undo.callback(self._traces())
        undo.callback(current.set, current.get())
        current.set(None)
        undo.callback(self._configured())

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._undo.close()

    def _traces(self) -> Callable[[], None]:
        before = dict(Tracer.live)
        self.earlier = frozenset(span_id for trace in before.values() for span_id in list(trace.open))
        Tracer.live.clear()

        def restore() -> None:
            for trace in list(Tracer.live.values()):
                trace.disown()
            Tracer.live.clear()
            Tracer.live.update({key: trace for key, trace in before.items() if trace.open or trace.done})

        return restore

    def _configured(self) -> Callable[[], None]:
        """Put a runtime of ours into force, with the settings of the one that was, if there was one."""
        old, closed, amend = runtime.active, runtime._closed, runtime.amend
        own_store = old.pipeline.store
        settings = self._amend(old.settings if old.settings is not None else read({}))
        runtime.amend = self._amend
        old.pipeline.store = Store()  # its dispatcher goes on, and finds nothing
        with runtime._exchange:
            runtime._put(runtime._build(settings, old.log_processors))
        runtime._join_otel()
        _join_sdk()

        def restore() -> None:
            runtime.amend = amend
            with runtime._exchange:
                ours = runtime._put(old)
            ours.close(time.monotonic() + TIMEOUT)
            old.pipeline.store = own_store
            runtime._closed = closed
            if old.logs is None:
                logger.forget()

        return restore

    def _amend(self, settings: Settings) -> Settings:
        """Give *settings* with our backends, and so that a test sees all that a service would show.

        Raises:
            ConfigError: They name a backend that is not installed.
        """
        check(settings.backends)
        capture, strict = settings.capture_stdlib, settings.strict
        return replace(
            settings,
            backends=Setting((self._memory, *self._adapters), ORIGIN),
            sample_rate=Setting(self._rate, ORIGIN),
            # The root logger has pytest's handlers here, and usually none in a service.
            capture_stdlib=Setting(True, ORIGIN) if capture.origin == "default" else capture,  # noqa: FBT003 -- its value
            strict=Setting(self._strict, ORIGIN) if self._strict is not None else strict,
        )


def _join_sdk() -> None:
    """Have the spans of an OpenTelemetry SDK that the application has set: its provider is the process's for ever.

    Our processor stays at it, and records nothing between the tests.
    """
    trace = sys.modules.get("opentelemetry.trace")
    add = getattr(trace.get_tracer_provider(), "add_span_processor", None) if trace is not None else None
    if add is not None:
        from anytel.otel import SpanProcessor  # noqa: PLC0415 -- loads opentelemetry, which is there

        if not SpanProcessor.made:
            add(SpanProcessor())
