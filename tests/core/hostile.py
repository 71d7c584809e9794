"""Values that misbehave in every way a value can."""

import math
from collections import UserDict


class Unprintable:
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class Unequal:
    """Raises when it is hashed, compared or asked for its truth."""

    def __hash__(self):
        raise RuntimeError("no hash")

    def __eq__(self, other):
        raise RuntimeError("no equality")

    def __bool__(self):
        raise RuntimeError("no truth")

    def __str__(self):
        return "unequal"


class Lazy:
    """Looks its class up when asked for it, and fails, as a lazy proxy without its object does."""

    @property
    def __class__(self):
        raise RuntimeError("nothing behind the proxy")

    def __str__(self):
        return "lazy"


class BadMapping(UserDict):
    """A mapping with one item, which it does not give."""

    def __init__(self):
        self.data = {"a": 1}

    def items(self):
        raise RuntimeError("no items")

    def keys(self):
        raise RuntimeError("no keys")

    def __iter__(self):
        raise RuntimeError("no iteration")


class BadPairs(dict):
    def items(self):
        return [1, 2]


class BadLength(list):
    def __len__(self):
        raise RuntimeError("no length")

    def __iter__(self):
        raise RuntimeError("no iteration")


class Failing(Exception):
    """Cannot be printed, and takes no attributes."""

    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__

    def __setattr__(self, name, value):
        raise RuntimeError("no attributes")

    def __getattr__(self, name):
        raise RuntimeError("no attributes either")


def cyclic_list():
    """A list that holds itself two hundred times: as many paths through it as there are atoms."""
    one = []
    one.extend([one] * 200)
    return one


def cyclic_mapping():
    one = {}
    one.update({f"k{number}": one for number in range(64)})
    return one


VALUES = {
    "none": None,
    "bytes": b"\xff\x00raw",
    "bytearray": bytearray(b"abc"),
    "nan": math.nan,
    "infinite": math.inf,
    "huge text": "x" * 1_000_000,
    "huge bytes": b"x" * 1_000_000,
    "huge integer": 10**5_000,
    "wide integer": 2**64,
    "surrogate": "a\ud800b",
    "control": "a\x00\x1b[31m\nb",
    "object": object(),
    "type": int,
    "function": len,
    "unprintable": Unprintable(),
    "unequal": Unequal(),
    "lazy": Lazy(),
    "bad mapping": BadMapping(),
    "bad pairs": BadPairs(a=1),
    "bad length": BadLength(),
    "exception": Failing(),
    "cyclic list": cyclic_list(),
    "cyclic mapping": cyclic_mapping(),
    "nested": {"a": {"b": [1, {"c": object()}]}},
    "mixed keys": {1: "a", None: "b", b"c": "d", ("e",): "f", "\ud800": "g"},
    "set": {1, "a", None},
    "complex": 1 + 2j,
}
