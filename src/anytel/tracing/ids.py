"""Trace and span ids, and the sampling decision that is made from them."""

from __future__ import annotations

import os
import random

__all__ = ["MASK64", "getrandbits", "keep", "span_hex", "trace_hex"]

MASK64 = 2**64 - 1
_KNUTH = 1111111111111111111

# A generator of our own: an application that seeds the global one (tests, simulations) must not repeat our ids.
_random = random.Random()
getrandbits = _random.getrandbits
os.register_at_fork(after_in_child=_random.seed)


def keep(trace_id: int, rate: float) -> bool:
    """Decide for a trace, as a pure function of its id, so that every hop and vendor agrees.

    The multiplicative (Knuth) hash of the low 64 bits that ddtrace's rate samplers use.
    """
    return (trace_id & MASK64) * _KNUTH % 2**64 <= rate * MASK64 if rate > 0 else False


def trace_hex(trace_id: int) -> str:
    """Write a trace id as 32 lower-case hex digits."""
    return f"{trace_id:032x}"


def span_hex(span_id: int) -> str:
    """Write a span id as 16 lower-case hex digits."""
    return f"{span_id:016x}"
