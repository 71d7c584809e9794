"""The backend contract: all that a backend implements, and all that it sees.

Every record here is *plain*: redacted, bounded, its strings encodable as UTF-8, its integers within 64 signed bits, its
floats finite. Rendering one therefore runs no code of the user's and cannot fail on a value.

A backend is a class with a zero-argument constructor, named by an entry point of the group ``anytel.backends``. It
overrides what its vendor can do; what it leaves alone accepts everything and sends nothing.

`anytel.backend.settings`, `anytel.backend.deadline` and `anytel.backend.http` help to read settings and to send.
"""

from anytel.backend.contract import Ack, Backend
from anytel.backend.host import Host, ScrapeApp, Signal, VendorSpan, VendorTracing
from anytel.backend.metrics import Exemplar, MetricBatch, MetricFlow, MetricKind, Point, Series, Spelling
from anytel.backend.records import (
    Attributes,
    ErrorRecord,
    Event,
    ExceptionRecord,
    Frame,
    Level,
    Link,
    LogRecord,
    Scalar,
    SpanContext,
    SpanKind,
    SpanRecord,
    Status,
)
from anytel.errors import ConfigError, CredentialsMissing

__all__ = [
    "Ack",
    "Attributes",
    "Backend",
    "ConfigError",
    "CredentialsMissing",
    "ErrorRecord",
    "Event",
    "ExceptionRecord",
    "Exemplar",
    "Frame",
    "Host",
    "Level",
    "Link",
    "LogRecord",
    "MetricBatch",
    "MetricFlow",
    "MetricKind",
    "Point",
    "Scalar",
    "ScrapeApp",
    "Series",
    "Signal",
    "SpanContext",
    "SpanKind",
    "SpanRecord",
    "Spelling",
    "Status",
    "VendorSpan",
    "VendorTracing",
]
