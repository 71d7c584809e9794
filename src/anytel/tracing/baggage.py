"""The ``baggage`` header: what is taken from it, and what is sent in it (https://www.w3.org/TR/baggage/)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from anytel import misuse

__all__ = ["MAX_BAGGAGE", "MAX_MEMBERS", "merged", "of_sentry", "quoted", "read"]

MAX_BAGGAGE = 8_192
MAX_MEMBERS = 64
_SENTRY = re.compile(r"sentry-[a-z_]{1,64}=[!#-+\--:<-\[\]-~]{1,512}")  # with the octets of section 3.3.1
_KEY = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")


def read(header: str, names: Collection[str]) -> Mapping[str, str]:
    """Give the members of *header* that are among *names*, decoded and without their properties."""
    from urllib.parse import unquote  # noqa: PLC0415 -- 5 ms of import that most processes never need

    found: dict[str, str] = {}
    for member in _members(header)[:MAX_MEMBERS]:
        name, equals, value = member.partition(";")[0].partition("=")
        name = name.strip()
        if not equals or not _KEY.fullmatch(name):
            misuse.count("malformed_header")
        elif name in names:
            found.setdefault(name, unquote(value.strip(), errors="replace"))
    return found


def of_sentry(header: str, trace_id: str) -> str:
    """Give the members that Sentry's SDKs have put into *header* for the trace *trace_id*, as they are."""
    members = [member for member in _members(header)[:MAX_MEMBERS] if _SENTRY.fullmatch(member)]
    return ",".join(members) if f"sentry-trace_id={trace_id}" in members else ""


def merged(present: str, own: str) -> str:
    """Give *present* with the members of *own* instead of those of the same names and of a service's ``sentry-``."""
    added = own.split(",")
    names = {member.partition("=")[0] for member in added}
    others = [member for member in _members(present) if not _replaced(member, names)]
    return ",".join([*others[: max(0, MAX_MEMBERS - len(added))], *added])


def quoted(value: object) -> str:
    """Give *value* as a member's value."""
    from urllib.parse import quote  # noqa: PLC0415 -- as above

    return quote(str(value), safe="", errors="replace")


def _members(header: str) -> list[str]:
    if len(header) > MAX_BAGGAGE:
        header = header[:MAX_BAGGAGE].rpartition(",")[0]
    return [stripped for member in header.split(",") if (stripped := member.strip())]


def _replaced(member: str, names: Collection[str]) -> bool:
    name = member.partition(";")[0].partition("=")[0].strip()
    return name.startswith("sentry-") or name in names
