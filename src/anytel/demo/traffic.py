"""Traffic for the service: a mix of good, bad and unlucky requests, the same for the same seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

__all__ = ["Answer", "Call", "Plan", "drive", "plan"]

CONCURRENCY = 8
_FRAGMENTS = ("home-hero", "home-news", "pricing-table", "faq", "footer", "team-list", "product-card", "search-box")
_SKILLS = ("fragment-refresh", "page-publish", "image-resize", "link-check", "search-index", "search-query")
_PAGES = ("home", "pricing", "team", "products", None)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and the status that it must be answered with."""

    method: str
    path: str
    status: int
    json: Mapping[str, str | None] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call was answered; *trace_id* is what the body of a 500 names."""

    call: Call
    status: int
    request_id: str
    trace_id: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls, to be begun at equal distances within *seconds*."""

    calls: Sequence[Call]
    seconds: float


class _Maker:
    """Makes calls at random, as the service's callers would."""

    def __init__(self, chance: random.Random, secret: str) -> None:
        self._chance, self._secret = chance, secret

    def good(self) -> Call:
        return self._revalidate(self._chance.choice(_FRAGMENTS), 200)

    def invalid(self) -> Call:
        return self._revalidate(self._chance.choice(("../evil", "", "a b", "x" * 65)), 400)

    def unlucky(self) -> Call:
        return self._revalidate(f"broken-{self._chance.choice(_FRAGMENTS)}", 500)

    def intruding(self) -> Call:
        return self._revalidate(self._chance.choice(_FRAGMENTS), 401, secret="wrong")  # noqa: S106 -- that is the point

    def wrong_method(self) -> Call:
        return Call("GET", f"/revalidate?fragmentKey={self._chance.choice(_FRAGMENTS)}", 405)

    def list_skills(self) -> Call:
        return Call("GET", "/skills", 200)

    def run_skill(self) -> Call:
        return Call("POST", f"/skills/{self._chance.choice(_SKILLS)}/run", 200)

    def failing_skill(self) -> Call:
        return Call("POST", "/skills/legacy-sync/run", 502)

    def unknown_skill(self) -> Call:
        return Call("POST", "/skills/time-travel/run", 404)

    def _revalidate(self, key: str, status: int, *, secret: str | None = None) -> Call:
        body = {"fragmentKey": key, "pageSlug": self._chance.choice(_PAGES)}
        return Call("POST", "/revalidate", status, body, {"x-revalidate-secret": secret or self._secret})


_MIX: Mapping[Callable[[_Maker], Call], int] = {
    _Maker.good: 55,
    _Maker.run_skill: 12,
    _Maker.list_skills: 6,
    _Maker.invalid: 8,
    _Maker.unlucky: 7,
    _Maker.intruding: 4,
    _Maker.wrong_method: 4,
    _Maker.failing_skill: 2,
    _Maker.unknown_skill: 2,
}
"""How many of a hundred calls are of which sort."""


def plan(requests: int, seconds: float, seed: int, secret: str) -> Plan:
    """Make a plan of *requests* calls: at least one of each sort, where there is room for that."""
    chance = random.Random(seed)
    maker = _Maker(chance, secret)
    sorts = [*_MIX, *chance.choices(list(_MIX), list(_MIX.values()), k=max(requests - len(_MIX), 0))][:requests]
    chance.shuffle(sorts)
    return Plan([make(maker) for make in sorts], seconds)


def drive(url: str, traffic: Plan, progress: Callable[[Answer], None]) -> list[Answer]:
    """Send the calls to the service at *url*, a few at a time; *progress* hears of each answer.

    Raises:
        httpx.HTTPError: The service could not be reached.
    """
    return asyncio.run(_drive(url, traffic, progress))


async def _drive(url: str, traffic: Plan, progress: Callable[[Answer], None]) -> list[Answer]:
    turn, clock = asyncio.Semaphore(CONCURRENCY), asyncio.get_running_loop().time
    distance, begin = traffic.seconds / max(len(traffic.calls), 1), clock()
    # After an unexpected error Starlette raises on, whereupon uvicorn closes the connection: one is used once. And
    # loopback traffic never goes through a proxy.
    once = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30, limits=once) as client:

        async def answered(place: int, call: Call) -> Answer:
            await asyncio.sleep(begin + place * distance - clock())
            async with turn:
                answer = await _send(client, call)
            progress(answer)
            return answer

        return await asyncio.gather(*(answered(place, call) for place, call in enumerate(traffic.calls)))


async def _send(client: httpx.AsyncClient, call: Call) -> Answer:
    response = await client.request(call.method, call.path, json=call.json, headers=call.headers)
    body = response.json()
    return Answer(call, response.status_code, response.headers.get("x-request-id", ""), body.get("trace_id", ""))
