"""The demo's traffic: the same for the same seed, and of every sort."""

import pytest

from anytel.demo.traffic import plan


def test_the_same_seed_gives_the_same_requests():
    """And another seed gives others."""
    assert plan(50, 1, 7, "s").calls == plan(50, 1, 7, "s").calls
    assert plan(50, 1, 7, "s").calls != plan(50, 1, 8, "s").calls


@pytest.mark.parametrize("seed", range(5))
def test_the_traffic_is_mixed(seed):
    """Even a few requests have every sort of answer."""
    assert {call.status for call in plan(12, 1, seed, "s").calls} == {200, 400, 401, 404, 405, 500, 502}


@pytest.mark.parametrize("requests", [1, 5, 9, 200])
def test_as_many_requests_are_made_as_were_asked_for(requests):
    """Fewer than there are sorts, too."""
    assert len(plan(requests, 1, 1, "s").calls) == requests
