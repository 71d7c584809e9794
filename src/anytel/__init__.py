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
    from anytel.catalogue import SLO, Alert, Latency, Mute, Ratio, Raw, Receiver, Stat, Style, View
else:
    # The declarations, 5 ms that others do not pay: most processes declare nothing but metrics.
    _declarations = "SLO", "Alert", "Latency", "Mute", "Ratio", "Raw", "Receiver", "Stat", "View"
    __getattr__ = _lazily(__name__, dict.fromkeys(_declarations, "catalogue"))

    def __getattr__(name: str) -> object:
        """Load the declarations at their first use: most processes declare nothing but metrics."""
        if name not in ("SLO", "Alert", "Latency", "Mute", "Ratio", "Raw", "Receiver", "Stat", "Style", "View"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from anytel import catalogue  # noqa: PLC0415 -- 5 ms that others do not pay

        return getattr(catalogue, name)


__all__ = [
    "SLO",
    "Alert",
    "AnytelError",
    "ConfigError",
    "Counter",
    "Distribution",
    "Gauge",
    "Histogram",
    "Latency",
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
