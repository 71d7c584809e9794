"""Options of the application's SDK that break what Sentry's tracing and ours share, each with its fix."""

from __future__ import annotations

from collections.abc import Iterator

from sentry_sdk.client import BaseClient

__all__ = ["conflicts"]


def conflicts(client: BaseClient) -> Iterator[str]:
    """Give a sentence for each conflict."""
    if client.options.get("instrumenter") == "otel":
        yield (
            "sentry_sdk.init(instrumenter='otel') makes Sentry's integrations begin no spans: leave the option out, "
            "anytel links what Sentry reports to its traces"
        )
    otlp = client.integrations.get("otlp")
    if getattr(otlp, "setup_propagator", False):
        yield (
            "Sentry's OTLPIntegration replaces OpenTelemetry's propagator and W3C trace headers are no longer read: "
            "leave it out, or pass OTLPIntegration(setup_propagator=False, setup_otlp_traces_exporter=False)"
        )
