"""A span, metrics, a request id and two log lines for each request of any ASGI application.

Pure ASGI. The span ends at the last chunk of the body; attributes and metrics follow the stable HTTP semantic
conventions of OpenTelemetry (https://opentelemetry.io/docs/specs/semconv/http/).
"""

from anytel.asgi.exchange import ACTIVE, DURATION
from anytel.asgi.middleware import TelemetryMiddleware, serve_logs
from anytel.asgi.options import Options

__all__ = ["ACTIVE", "DURATION", "Options", "TelemetryMiddleware", "serve_logs"]
