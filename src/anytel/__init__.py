"""One small API for spans, metrics and logs, sent to the backends that one setting names.

>>> import anytel
>>> anytel.configure(service="shop", backends="none")
>>> with anytel.span("checkout", attributes={"basket.size": 3}):
...     anytel.count("shop.orders", tags={"channel": "web"})
"""

import typing

from anytel._lazy import lazily as _lazily
from anytel.api import capture_exception, context, current_span, extract, inject, propagate, span, start_span
from anytel.decorator import traced
from anytel.errors import AnytelError, ConfigError, MisuseError
from anytel.logs.logger import get_logger
from anytel.metrics.instruments import Counter, Distribution, Gauge, Histogram, Set
from anytel.metrics.verbs import count, distribution, gauge, histogram
from anytel.metrics.verbs import set as set  # noqa: A004 -- the field's word
from anytel.runtime import configure, flush, shutdown, stats
from anytel.tracing.record import NoopSpan as Span

if typing.TYPE_CHECKING:
    from anytel.catalogue import (
        SLO,
        Alert,
        Anomaly,
        Change,
        Latency,
        Lines,
        Mute,
        Ratio,
        Raw,
        Receiver,
        Stat,
        Style,
        View,
    )
else:
    # The declarations, 5 ms that others do not pay: most processes declare nothing but metrics.
    _declarations = (
        "SLO", "Alert", "Anomaly", "Change", "Latency", "Lines", "Mute", "Ratio", "Raw", "Receiver", "Stat", "Style",
        "View",
    )  # fmt: skip
    __getattr__ = _lazily(__name__, dict.fromkeys(_declarations, "catalogue"))

__all__ = [
    "SLO",
    "Alert",
    "Anomaly",
    "AnytelError",
    "Change",
    "ConfigError",
    "Counter",
    "Distribution",
    "Gauge",
    "Histogram",
    "Latency",
    "Lines",
    "MisuseError",
    "Mute",
    "Ratio",
    "Raw",
    "Receiver",
    "Set",
    "Span",
    "Stat",
    "Style",
    "View",
    "capture_exception",
    "configure",
    "context",
    "count",
    "current_span",
    "distribution",
    "extract",
    "flush",
    "gauge",
    "get_logger",
    "histogram",
    "inject",
    "propagate",
    "shutdown",
    "span",
    "start_span",
    "stats",
    "traced",
]
