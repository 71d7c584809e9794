"""The Prometheus backend of anytel: metrics that a Prometheus server scrapes.

The application mounts `asgi_app` or `wsgi_app`, calls `start_http_server`, or sets ``OTEL_EXPORTER_PROMETHEUS_PORT``.
All serve anytel's metrics together with those that the application keeps in ``prometheus_client.REGISTRY``, where
anytel's are visible too.
"""

from anytel_prometheus.backend import PrometheusBackend
from anytel_prometheus.endpoint import asgi_app, wsgi_app
from anytel_prometheus.server import MetricsServer, start_http_server

__all__ = ["MetricsServer", "PrometheusBackend", "asgi_app", "start_http_server", "wsgi_app"]
