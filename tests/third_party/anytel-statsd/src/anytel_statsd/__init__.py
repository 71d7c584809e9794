"""A backend of anytel for plain StatsD servers, such as etsy's own: counters, gauges, timers and sets over UDP."""

from anytel_statsd.backend import StatsdBackend

__all__ = ["StatsdBackend"]
