"""The Next application and the demo service, each in a process of its own, with receivers of every vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import Request

from anytel.testing.receivers.datadog import DatadogAgent
from anytel.testing.receivers.dogstatsd import DogStatsD
from anytel.testing.receivers.otlp import OtlpReceiver
from anytel.testing.receivers.sentry import SentryReceiver
from nextjs.build import EXAMPLE, NEXT
from nextjs.received import METRICS, NODE, SPANS, Series, Spans
from real.demo import demo_service
from real.processes import Program, free_ports, listening, require, running
from real.web import Late, send

__all__ = ["BACKENDS", "Pair", "keeping", "pair"]

BACKENDS = tuple(SPANS)
SETTINGS: Mapping[str, str] = {
    "DD_SERVICE": NODE,
    "DD_TRACE_FLUSH_INTERVAL": "200",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "OTEL_SERVICE_NAME": NODE,
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    "OTEL_METRIC_EXPORT_TIMEOUT": "1000",
    "NEXT_TELEMETRY_DISABLED": "1",
    "NODE_ENV": "production",
}
"""What the Next application gets in all tests: its name, and short intervals. Nobody hears of it but the receivers."""


class Pair:
    """Both services, running. The Python one sends to all vendors, the Next one to the vendor *backend*."""

    def __init__(self, backend: str, stack: ExitStack) -> None:
        self.backend = backend
        self.sentry = stack.enter_context(SentryReceiver())
        self.datadog = stack.enter_context(DatadogAgent())
        self.statsd = stack.enter_context(DogStatsD())
        self.otlp = stack.enter_context(OtlpReceiver())
        self.url = ""

    @property
    def settings(self) -> Mapping[str, str]:
        """Where the vendors are, for either service."""
        return {
            "SENTRY_DSN": self.sentry.dsn,
            "DD_TRACE_AGENT_URL": self.datadog.url,
            "DD_DOGSTATSD_URL": self.statsd.url,  # anytel reads this, and dd-trace the two below
            "DD_DOGSTATSD_HOST": self.statsd.host,
            "DD_DOGSTATSD_PORT": str(self.statsd.port),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.otlp.url,
        }

    def page(self, headers: Mapping[str, str] | None = None) -> bytes:
        """Ask for the page, and give its HTML."""
        return send(Request(f"{self.url}/", headers=dict(headers or {})))

    def run(self, skill: str) -> bytes:
        """Have a skill run by way of the route handler; raises as `real.web.send` does."""
        return send(Request(f"{self.url}/skills/{skill}/run", method="POST"))

    def spans(self, backend: str) -> Spans:
        """Give what a vendor has received until now."""
        return Spans(SPANS[backend](getattr(self, backend)))

    def await_spans(self, backend: str, enough: Callable[[Spans], object]) -> None:
        """Wait until a vendor has received *enough*.

        Raises:
            Late: It has not within 20 seconds.
        """
        if not getattr(self, backend).wait(lambda receiver: enough(Spans(SPANS[backend](receiver))), 20):
            raise Late(f"{backend} has received {self.spans(backend).all}")

    def series(self) -> Series:
        """Give the metrics of the Next application that its vendor has received until now."""
        return METRICS[self.backend](self.statsd if self.backend == "datadog" else getattr(self, self.backend))

    def malformed(self) -> list[object]:
        """Give all that the receivers could not read."""
        return [problem for one in (self.sentry, self.datadog, self.statsd, self.otlp) for problem in one.malformed]


def keeping(backend: str, share: str) -> Mapping[str, str]:
    """Give the settings that have the SDK of *backend* keep a *share* of the traces that begin in Node."""
    return {
        "sentry": {"SENTRY_TRACES_SAMPLE_RATE": share},
        "datadog": {"DD_TRACE_SAMPLE_RATE": share},
        "otlp": {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": share},
    }[backend]


@contextmanager
def pair(backend: str, folder: Callable[[str], Path], python: str, node: Mapping[str, str]) -> Iterator[Pair]:
    """Run both services. The Python one keeps a share *python* of its own traces; *node* are the other's settings."""
    built = require(EXAMPLE, "make test-nextjs").folder
    with ExitStack() as stack:
        both = Pair(backend, stack)
        settings = {"TELEMETRY_BACKENDS": ",".join(BACKENDS), "TELEMETRY_SAMPLE_RATE": python, **both.settings}
        api, demo = stack.enter_context(demo_service(folder("python"), **settings))
        settings = {**SETTINGS, **both.settings, "SKILLS_TELEMETRY": backend, "SKILLS_API_URL": api, **node}
        both.url, server = stack.enter_context(_next_server(built, folder("node"), settings))
        try:
            yield both
        except Exception as failure:
            for program in demo, server:
                failure.add_note(f"log of {program.name}, {program.log}:\n{program.tail()}")
            raise


@contextmanager
def _next_server(built: Path, folder: Path, settings: Mapping[str, str]) -> Iterator[tuple[str, Program]]:
    """Run the *built* application; give its address and its program."""
    (port,) = free_ports(1)
    command = ["node", built / NEXT, "start", built, "--hostname", "127.0.0.1", "--port", str(port)]
    preload = f'--require "{built}/node_modules/dd-trace/init.js"'  # as in package.json
    options = {"NODE_OPTIONS": preload} if settings["SKILLS_TELEMETRY"] == "datadog" else {}
    with running(command, folder, lambda: listening(port), **settings, **options) as program:
        yield f"http://127.0.0.1:{port}", program
