"""What sending over HTTP needs, whichever client does it."""

from __future__ import annotations

import email.utils
import time

__all__ = ["retry_after"]


def retry_after(header: str) -> float:
    """Read a ``Retry-After`` header, seconds or a date (RFC 9110, section 10.2.3), as seconds from now.

    What is over, and what cannot be read, is 0.
    """
    try:
        return max(0.0, float(header)) if header.strip().isdecimal() else _until(header)
    except ValueError:
        return 0.0


def _until(date: str) -> float:
    return max(0.0, email.utils.parsedate_to_datetime(date).timestamp() - time.time())
