"""Installing our side of the OpenTelemetry API: at once what is imported already, and the rest when it is imported.

A process that never imports ``opentelemetry`` pays for a look at the name of each module that it imports, no more.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from anytel import misuse

__all__ = ["install"]

logger = logging.getLogger("anytel")

_SET_ALREADY = (
    "the application has set its own OpenTelemetry %s (%s), and anytel leaves it in force: what it records does not "
    "reach anytel's backends. %s"
)
_TOO_LATE = (
    "anytel's OpenTelemetry %s is in force, and the application's was refused: set it before anytel.configure(). %s"
)
_FIX = {
    "TracerProvider": "Add anytel.otel.SpanProcessor() to the application's provider to have both",
    "MeterProvider": "Metrics of one instrument can go one way only: leave the application's out to have them here",
    "LoggerProvider": "Add anytel.otel.LogRecordProcessor() to the application's provider to have both",
}


def install() -> None:
    """Install what can be installed now, and see to the rest; calling it again changes nothing."""
    if _importer not in sys.meta_path:
        sys.meta_path.insert(0, _importer)
    for name, part in _PARTS.items():
        # While a module is being imported it has no public names yet: then the importer comes back to it.
        if (module := sys.modules.get(name)) is not None and not _loading(module):
            _run(part, module)


def _loading(module: ModuleType) -> bool:
    return bool(getattr(module.__spec__, "_initializing", False))


def _run(part: Callable[[ModuleType], None], module: ModuleType) -> None:
    """Run *part*; with a version of the API that it does not know, the application goes on without it."""
    try:
        part(module)
    except Exception as exc:
        misuse.count("otel")
        logger.warning("anytel cannot take part in %s: %s", module.__name__, misuse.shown(exc))


def _tracing(module: ModuleType) -> None:
    from anytel.otel import context, tracer  # noqa: PLC0415 -- loads opentelemetry, as all of the following

    context.install()
    _provide("TracerProvider", "opentelemetry.trace", module, tracer.TracerProvider)


def _metrics(module: ModuleType) -> None:
    from anytel.otel import meter  # noqa: PLC0415 -- as above

    _provide("MeterProvider", "opentelemetry.metrics._internal", module, meter.MeterProvider)


def _logs(module: ModuleType) -> None:
    from anytel.otel import logger as logs  # noqa: PLC0415 -- as above

    _provide("LoggerProvider", "opentelemetry._logs._internal", module, logs.LoggerProvider)


def _propagation(module: ModuleType) -> None:
    from anytel.otel import propagator  # noqa: PLC0415 -- as above

    propagator.install()


_PARTS: Mapping[str, Callable[[ModuleType], None]] = {
    "opentelemetry.trace": _tracing,
    "opentelemetry.metrics": _metrics,
    "opentelemetry._logs": _logs,
    "opentelemetry.propagate": _propagation,
}


def _provide(kind: str, speaker: str, module: ModuleType, ours: type) -> None:
    """Set our provider of *kind*, unless the application has set one; then say so, once."""
    snake = {"TracerProvider": "tracer_provider", "MeterProvider": "meter_provider"}.get(kind, "logger_provider")
    present = getattr(module, f"get_{snake}")()
    if isinstance(present, ours):
        return
    if "Proxy" not in type(present).__name__:
        _say_once(kind, present)
        return
    getattr(module, f"set_{snake}")(ours())
    logging.getLogger(speaker).addFilter(_Explained(kind))


_PROCESSORS = {"TracerProvider": "SpanProcessor", "LoggerProvider": "LogRecordProcessor"}
_said: set[str] = set()


def _say_once(kind: str, present: object) -> None:
    processor = sys.modules.get("anytel.otel.processor")
    made = _PROCESSORS.get(kind)
    if kind in _said or (made and processor is not None and getattr(processor, made).made):
        return
    _said.add(kind)
    logger.warning(_SET_ALREADY, kind, f"{type(present).__module__}.{type(present).__qualname__}", _FIX[kind])


class _Explained(logging.Filter):
    """Says what to do where the API says only that a provider cannot be replaced."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def filter(self, record: logging.LogRecord) -> bool:
        """Exchange the message; every record passes."""
        if record.msg == f"Overriding of current {self.kind} is not allowed":
            record.msg, record.args = _TOO_LATE, (self.kind, _FIX[self.kind])
        return True


class _Importer:
    """Comes back to the modules of the API when they are imported."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of the modules as everybody else would, and have its loader call us afterwards."""
        if name not in _PARTS or name in self._finding:
            return None
        self._finding.add(name)
        try:
            spec = find_spec(name)
        finally:
            self._finding.discard(name)
        if spec is None or spec.loader is None:
            return None
        spec.loader = _Loader(spec.loader, _PARTS[name])  # type: ignore[assignment]  # it passes everything else on
        return spec

    def __init__(self) -> None:
        self._finding: set[str] = set()


class _Loader:
    """A module's own loader, and what is done after it."""

    def __init__(self, loader: object, part: Callable[[ModuleType], None]) -> None:
        self._loader, self._part = loader, part

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then the part that installs ours."""
        assert module.__spec__ is not None  # noqa: S101 -- the import system has set it
        module.__spec__.loader = module.__loader__ = self._loader  # type: ignore[assignment]  # as if we had not been there
        self._loader.exec_module(module)  # type: ignore[attr-defined]  # a loader has it
        _run(self._part, module)


_importer = _Importer()
