"""Ways to load ddtrace that break what its tracing and ours share, each with its fix."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["conflicts"]


def conflicts() -> Iterator[str]:
    """Give a sentence for each conflict."""
    if os.environ.get("DD_TRACE_OTEL_ENABLED", "").lower() in ("1", "true"):
        yield (
            "DD_TRACE_OTEL_ENABLED makes ddtrace the OpenTelemetry SDK, and OpenTelemetry spans of libraries "
            "reach Datadog alone: unset it"
        )
    if "ddtrace.auto" in sys.modules and _under_ddtrace_run():
        yield (
            "ddtrace-run and `import ddtrace.auto` are both in use, which ddtrace does not support: keep one of them"
        )


def _under_ddtrace_run() -> bool:
    """Say whether Python was started by ``ddtrace-run``, which puts its own ``sitecustomize`` on the path."""
    found = getattr(sys.modules.get("sitecustomize"), "__file__", None) or ""
    return Path(found).parts[-3:-1] == ("ddtrace", "bootstrap")
