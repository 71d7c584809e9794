"""Redaction: one set of rules for every signal and every vendor."""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Iterable, Mapping

from anytel.attributes import MAX_ATTRIBUTES, MAX_TEXT, Value
from anytel.backend import ExceptionRecord, Frame, Scalar

__all__ = ["DEFAULT_KEYS", "FILTERED", "Redactor", "encodable"]

FILTERED = "[redacted]"

DEFAULT_KEYS = (
    "password", "passwd", "passphrase", "pwd", "secret", "token", "authorization", "cookie", "api_key", "apikey",
    "api-key", "access_key", "private_key", "credential", "session_id", "sessionid", "csrf",
)  # fmt: skip
"""A key that contains one of these, in any case, has its value replaced; ``tokens`` is none."""

_VALUES = re.compile(
    r"(?P<scheme>(?i:bearer)\s+)[A-Za-z0-9+/._~=-]{8,}"  # an Authorization header's credentials
    r"|(?P<basic>(?i:basic)\s+)(?P<user>[A-Za-z0-9+/]{7,}={0,2})"  # likewise, of a user and a password
    r"|(?P<url>\b[a-zA-Z][a-zA-Z0-9+.-]{0,20}://)[^\s/@:]{0,100}:[^\s/@]{1,200}@"  # user:password@ in a URL
    r"|(?P<pair>(?i:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|authorization"
    r"|credential)[\"']?\s{0,2}[=:]\s{0,2}[\"']?(?i:bearer\s+|basic\s+)?)[^\s&\"',;}\])]{1,500}"  # as in a URL's query
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # a JSON web token
    # A card's number: its first digit names the industry (ISO/IEC 7812-1), and it is written in groups, or in one.
    r"|(?<![\w-])(?P<card>[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}|3[47]\d{2}[ -]?\d{6}[ -]?\d{5})(?![\w-])"
)
_NAMED = re.compile(r"(?i:passw(?:or)?d|passphrase|secret|token|key|authorization|credential)[\"']?\s{0,2}[=:]")
_DIGITS = re.compile(r"\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,63}")  # as people write it
EMAIL = "email"
"""The word among the keys that takes out e-mail addresses too, wherever they stand."""
SHORTEST = len("a://:b@")
_INT64 = 2**63


class Redactor:
    """Makes values plain (see `anytel.backend`) and takes the secrets out.

    *keys* are added to `DEFAULT_KEYS`; they are compared without case, as parts of the attribute's name. With `EMAIL`
    among them, e-mail addresses are taken out of all texts.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        keys = tuple(keys)
        parts = [re.escape(key) + "(?!s)" * (key == "token") for key in (*DEFAULT_KEYS, *map(str.lower, keys))]
        self._secret = re.compile("|".join(parts)).search
        self._known: dict[str, bool] = {}
        self._emails = EMAIL in map(str.lower, keys)

    def secret(self, key: str) -> bool:
        """Say whether the value under *key* must not be sent."""
        known = self._known.get(key)
        if known is None:
            known = self._secret(key.lower()) is not None
            if len(self._known) < 10_000:
                self._known[key] = known
        return known

    def attributes(self, attributes: Mapping[str, Value], dropped: dict[str, int] | None = None) -> dict[str, Value]:
        """Give *attributes* plain and redacted; what is over the limit is counted in *dropped*."""
        plain: dict[str, Value] = {}
        for key, value in attributes.items():
            if len(plain) == MAX_ATTRIBUTES:
                break
            name = self.key(key)
            if self.secret(key):
                plain[name] = FILTERED
            else:
                plain[name] = tuple(map(self.value, value)) if isinstance(value, tuple) else self.value(value)
        if dropped is not None and len(attributes) > len(plain):
            dropped["attributes"] = dropped.get("attributes", 0) + len(attributes) - len(plain)
        return plain

    def key(self, key: str) -> str:
        """Give an attribute's name plain."""
        return key if key.isascii() and len(key) <= 256 else encodable(key[:256])

    def value(self, value: Scalar) -> Scalar:
        """Give one value plain and redacted."""
        if type(value) is float:
            return value if math.isfinite(value) else str(value)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int):
            return value if -_INT64 <= value < _INT64 else _long(value)
        return value if math.isfinite(value) else str(value)

    def text(self, text: str) -> str:
        """Give *text* encodable, at most `MAX_TEXT` characters long, without the secrets known by their form."""
        if text.isascii():
            # Nothing that is known by its form is as short, or could be an identifier.
            if len(text) < SHORTEST or text.isidentifier():
                return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
        else:
            text = encodable(text)
        if len(text) > MAX_TEXT:
            text = text[: MAX_TEXT - 1] + "…"
        if _suspect(text):
            text = _VALUES.sub(_replace, text)
        return _EMAIL.sub(FILTERED, text) if self._emails and "@" in text else text

    def exception(self, record: ExceptionRecord | None) -> ExceptionRecord | None:
        """Give an exception with its messages, and those of its causes and members, redacted."""
        if record is None:
            return None
        return ExceptionRecord(
            encodable(record.type),
            encodable(record.module),
            self.text(record.message),
            tuple(
                Frame(encodable(one.file), one.line, encodable(one.function), encodable(one.module))
                for one in record.frames
            ),
            self.exception(record.cause),
            record.implicit,
            tuple(member for member in map(self.exception, record.group) if member is not None),
        )


def _long(value: int) -> str:
    return str(value) if value.bit_length() < 10_000 else "<integer of more than 3,000 digits>"


def encodable(text: str) -> str:
    """Give *text* so that UTF-8 can hold it: a lone surrogate becomes a question mark."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _suspect(text: str) -> bool:
    """Say quickly that most texts hold nothing that `_VALUES` could find."""
    if "://" in text or "eyJ" in text:
        return True
    if ("=" in text or ":" in text) and _NAMED.search(text) is not None:
        return True
    if " " in text and ("earer" in text or "asic" in text or "EARER" in text or "ASIC" in text):
        return True
    return len(text) >= 13 and _DIGITS.search(text) is not None


def _replace(match: re.Match[str]) -> str:
    groups = match.groupdict()
    if (groups["card"] and not _luhn(groups["card"])) or (groups["user"] and not _credentials(groups["user"])):
        return match[0]
    kept = groups["scheme"] or groups["basic"] or groups["url"] or groups["pair"] or ""
    return f"{kept}{FILTERED}{'@' if groups['url'] else ''}"


def _credentials(encoded: str) -> bool:
    """Say whether what follows ``Basic`` is a user with a password (RFC 7617), or just a word."""
    if not encoded.isalpha():
        return True
    try:
        return b":" in binascii.a2b_base64(encoded)
    except binascii.Error:
        return False


def _luhn(number: str) -> bool:
    """Check a card number's last digit (ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in number if digit.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
