"""The Sentry backend: spans, errors, logs and metrics, sent through the configuration of the Sentry SDK."""

from anytel_sentry.backend import SentryBackend

__all__ = ["SentryBackend"]
