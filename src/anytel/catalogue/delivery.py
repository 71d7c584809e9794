"""Delivery: who is told of which alert, and what is wrong with how that is declared."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from anytel.catalogue.alert import SEVERITIES, Alert
from anytel.catalogue.asked import problem
from anytel.catalogue.durations import seconds
from anytel.catalogue.mute import DAYS, MONTHS, Mute, clock, span
from anytel.catalogue.receiver import Receiver
from anytel.catalogue.slo import SLO
from anytel.catalogue.validate import NAME, RECEIVER
from anytel.place import Place

__all__ = ["mutes_of", "problems", "receivers_of", "unknown"]

_EMAIL = re.compile(r"[^@\s,<>]+@[^@\s,<>]+")
_DATES = [str(day) for day in range(1, 32)]


def receivers_of(
    receivers: Sequence[Receiver], severity: str, owner: str, notify: Sequence[str] = ()
) -> list[Receiver]:
    """Give who is told of an alert; nobody, where none takes it."""
    if notify:
        return [one for one in receivers if one.name in notify]
    own = [one for one in receivers if owner and owner in one.owners and severity in one.severities]
    return own or [one for one in (default(receivers),) if one is not None and severity in one.severities]


def default(receivers: Sequence[Receiver]) -> Receiver | None:
    """Give the receiver of what no other one takes."""
    if len(receivers) == 1:
        return receivers[0]
    return next((one for one in receivers if one.default), None)


def mutes_of(mutes: Iterable[Mute], severity: str, owner: str) -> list[str]:
    """Give the names of the mutes that hold for an alert."""
    return [one.name for one in mutes if one.mutes(severity, owner)]


def problems(receivers: Sequence[Receiver], mutes: Sequence[Mute]) -> list[str]:
    """Give everything that is wrong with receivers and mutes, each with its place and the fix."""
    found = [line for one in receivers for line in _lines(f"receiver {one.name!r}", one.place, _receiver(one))]
    defaults = [one for one in receivers if one.default]
    for one in defaults[1:]:
        wrong = f"the default receiver is {defaults[0].name!r}, at {defaults[0].place}"
        found += _lines(f"receiver {one.name!r}", one.place, [(wrong, "Leave default= out of one of them.")])
    if len(receivers) > 1 and not defaults:
        wrong = "of several receivers none is the default, so that some alerts would reach nobody"
        last = receivers[-1]
        found += _lines(f"receiver {last.name!r}", last.place, [(wrong, "Give one of them default=True.")])
    for mute in mutes:
        found += _lines(f"mute {mute.name!r}", mute.place, _mute(mute))
    return found


def unknown(receivers: Sequence[Receiver], declarations: Iterable[SLO | Alert]) -> list[str]:
    """Give the names in ``notify=`` that no receiver has, each with its place and the fix."""
    known, found = [one.name for one in receivers], []
    for one in declarations:
        what = f"SLO {one.name!r}" if isinstance(one, SLO) else f"alert {one.name!r}"
        for name in one.notify:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                fix = f"Did you mean {near[0]!r}?" if near else f"Declare it: anytel.Receiver({name!r}, slack=...)."
                found += _lines(what, one.place, [(f"there is no receiver {name!r}", fix)])
    return found


_Wrong = Iterable[tuple[str, str]]


def _lines(what: str, place: Place, wrong: _Wrong) -> list[str]:
    return [problem(place, what, told, fix) for told, fix in wrong]


def _receiver(one: Receiver) -> Iterator[tuple[str, str]]:
    if not isinstance(one.name, str) or not RECEIVER.fullmatch(one.name):
        yield "that is no name", "Use letters, digits and any of '-_.#@'."
    if not (one.slack or one.email or one.webhook or one.pagerduty):
        yield "there is no way to tell it", "Give slack=, email=, webhook= or pagerduty=True."
    if one.slack and not re.fullmatch(r"[#@]?[\w.-]+", one.slack):
        fix = "Give a channel such as '#shop-alerts'; the webhook's address is a secret, and belongs into a file."
        yield f"{one.slack!r} is no channel", fix
    for address in one.email:
        if not _EMAIL.fullmatch(address):
            yield f"{address!r} is no e-mail address", "Give one such as oncall@example.com."
    yield from _webhook(one)
    yield from _severities(one.severities)
    if one.repeat:
        yield from _repeat(one.repeat)


def _webhook(one: Receiver) -> Iterator[tuple[str, str]]:
    address = urlsplit(one.webhook)
    if one.webhook and not (address.scheme in ("http", "https") and address.hostname):
        yield f"the webhook {one.webhook!r} is no address", "Give one that begins with http:// or https://."
    elif address.username or address.password or address.query:
        yield "the webhook's address holds a secret", "Leave it out, and give webhook_token=True."
    if one.webhook_token and not one.webhook:
        yield "a token without a webhook", "Give webhook= too."


def _repeat(given: str) -> Iterator[tuple[str, str]]:
    try:
        amount = seconds(given)
    except ValueError as exc:
        yield f"repeat: {exc}", "Write a number and one of s, m, h, d, w."
        return
    if amount < 300 or amount % 300:
        yield f"repeat={given!r} is no multiple of the 5m in which a group is looked at", "Use 1h, 4h or 24h."
    elif amount > 4 * 86_400:
        fix = "Use at most 4d: Alertmanager remembers for five days whom it has told."
        yield f"repeat={given!r} is longer than it is remembered", fix


def _severities(given: Sequence[str]) -> Iterator[tuple[str, str]]:
    if not given:
        yield "it has no severities", f"Give some of {', '.join(SEVERITIES)}."
    for severity in given:
        if severity not in SEVERITIES:
            yield f"there is no severity {severity!r}", f"Use some of {', '.join(SEVERITIES)}."


def _mute(one: Mute) -> Iterator[tuple[str, str]]:
    if not isinstance(one.name, str) or not NAME.fullmatch(one.name):
        yield "that is no name", "Begin with a letter; use letters, digits, '-', '_' and '.'."
    if not (one.days or one.times or one.dates or one.months):
        yield "it would last for ever", "Give days=, times=, dates= or months=."
    yield from _spans("day", one.days, DAYS, "Give one such as saturday, or monday:friday.")
    yield from _spans("month", one.months, MONTHS, "Give one such as december, or june:august.")
    for given in one.dates:
        if not _is_dates(given):
            yield f"{given!r} is no day of the month", "Give one from 1 to 31, -1 for the last, or 24:26."
    yield from _times(one)
    try:
        ZoneInfo(one.timezone)
    except (KeyError, OSError, ValueError):
        yield f"there is no time zone {one.timezone!r}", "Give one such as Europe/Berlin."
    yield from _severities(one.severities)


def _times(one: Mute) -> Iterator[tuple[str, str]]:
    for given in one.times:
        try:
            _, end = clock(given)
        except ValueError:
            yield f"{given!r} is no time of the day", "Give a start and an end, such as 22:00-06:00."
            continue
        if end > 24 * 60 and (one.dates or one.months):
            fix = "End it at 24:00, and declare another mute for the morning."
            yield f"{given!r} goes over midnight, and the date ends there", fix


def _spans(what: str, given: Iterable[str], known: Sequence[str], fix: str) -> Iterator[tuple[str, str]]:
    for one in given:
        try:
            span(one, known)
        except ValueError:
            yield f"{one!r} is no {what}", fix


def _is_dates(given: str) -> bool:
    first, _, last = given.partition(":")
    ends = [first, last or first]
    if not all(one.removeprefix("-") in _DATES for one in ends):
        return False
    start, end = map(int, ends)
    return (start < 0) == (end < 0) and start <= end
