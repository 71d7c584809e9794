"""Reading what a receiver answers, on loopback and never through a proxy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

__all__ = ["Late", "await_value", "get", "get_json", "send"]

T = TypeVar("T")
OPENER = build_opener(ProxyHandler({}))


class Late(AssertionError):
    """What was waited for has not come in time."""


def send(request: Request, timeout: float = 10.0) -> bytes:
    """Give the body of the answer to *request*.

    Raises:
        OSError: There is no answer, or it is not a success.
    """
    try:
        with OPENER.open(request, timeout=timeout) as response:
            body: bytes = response.read()
            return body
    except HTTPError as refusal:
        with refusal:  # it holds the connection
            raise OSError(f"{request.full_url} answered {refusal.code}: {refusal.read()[:500]!r}") from None


def get(url: str, parameters: dict[str, str] | None = None, **headers: str) -> bytes:
    """Give what *url* answers; raises as `send` does."""
    return send(Request(f"{url}?{urlencode(parameters)}" if parameters else url, headers=headers))


def get_json(url: str, parameters: dict[str, str] | None = None, **headers: str) -> Any:
    """Give what *url* answers, decoded; raises as `send` does."""
    return json.loads(get(url, parameters, **headers))


def await_value(read: Callable[[], T], enough: Callable[[T], object] = bool, timeout: float = 30.0) -> T:
    """Read again and again until it is *enough*, and give that.

    Raises:
        Late: It was not within *timeout* seconds; the message holds what was read last, or why nothing was.
    """
    deadline = time.monotonic() + timeout
    while True:
        last: object
        try:
            value = read()
        except OSError as problem:
            last = problem
        else:
            if enough(value):
                return value
            last = value
        if time.monotonic() > deadline:
            raise Late(f"waited for {timeout:g} s, last was {last!r}")
        time.sleep(0.05)
