"""What sending over HTTP needs, whichever client does it."""

from __future__ import annotations

import contextvars
import email.utils
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from urllib3.poolmanager import PoolManager

__all__ = ["close", "retry_after", "untraced"]

P = ParamSpec("P")
T = TypeVar("T")


def close(pools: PoolManager) -> None:
    """Close the connections of a urllib3 pool manager.

    Its own ``clear`` leaves that to finalizers, which no longer run when the last records are sent at the
    interpreter's end.
    """
    for key in pools.pools.keys():  # noqa: SIM118 -- urllib3's container refuses to be iterated
        pool = pools.pools.get(key)
        if pool is not None:
            pool.close()
    pools.clear()


def retry_after(header: str) -> float:
    """Read a ``Retry-After`` header, seconds or a date (RFC 9110, section 10.2.3), as seconds from now.

    What is over, and what cannot be read, is 0.
    """
    try:
        return max(0.0, float(header)) if header.strip().isdecimal() else _until(header)
    except (ValueError, OverflowError):  # the date's time zone may be absurd
        return 0.0


def _until(date: str) -> float:
    return max(0.0, email.utils.parsedate_to_datetime(date).timestamp() - time.time())


def untraced(send: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call *send* so that nobody traces it: spans of uploads would have to be uploaded.

    It runs in an empty context, as the thread may have inherited a span of some tracer, and where OpenTelemetry's
    instrumentation of HTTP clients is installed, that is suppressed.
    """

    def run() -> T:
        _suppress_instrumentation()
        return send(*args, **kwargs)

    return contextvars.Context().run(run)


def _suppress_instrumentation() -> None:
    context = sys.modules.get("opentelemetry.context")
    key = getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", None)  # what the exporters of their SDK use too
    if context is not None and key is not None:
        context.attach(context.set_value(key, True))  # noqa: FBT003 -- a value, not a switch
