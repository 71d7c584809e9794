"""The kit on backends that are broken in one way each: it fails where it must, and nowhere else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BROKEN = Path(__file__).parent / "broken.py"
CLAIM = "test_what_is_claimed_arrives_and_what_arrives_is_claimed"
PROGRAM = "test_a_random_program_is_the_same_here_as_in_memory"
TREE = "test_a_tree_has_the_same_shape_however_it_is_made"
DEADLINE = "test_a_call_on_a_dead_wire_ends_by_its_deadline"
HOSTILE = "test_a_hostile_value_raises_nothing_and_loses_nothing_else"

FAILING = {
    "Sound": set(),
    "Raises": {
        f"{HOSTILE}[long text]",
        f"{HOSTILE}[cyclic]",
        f"{HOSTILE}[deep]",
        "test_log_events_keep_their_values",
    },
    "Sleeps": {f"{DEADLINE}[spans]", "test_what_a_dead_wire_does_not_take_is_counted"},
    "LosesEveryTenth": {
        "test_nothing_of_many_is_lost",
        "test_what_is_delivered_has_arrived_and_the_rest_is_counted",
        f"{TREE}[deep]",
        PROGRAM,
    },
    "DoublesAfterFork": {"test_a_forked_child_sends_its_own_and_nothing_twice"},
    "Leaks": {"test_no_secret_is_on_the_wire"},
    "SwapsParents": {
        f"{TREE}[generator closed early]",
        f"{TREE}[gathered tasks]",
        f"{TREE}[threads]",
        f"{TREE}[deep]",
        PROGRAM,
    },
    "DropsTags": {
        *(f"{CLAIM}[metric.{name}]" for name in ("count", "name", "tags", "unit", "description")),
        "test_series_with_different_tag_sets_are_apart",
        PROGRAM,
    },
    "Overclaims": {f"{CLAIM}[span.links]", "test_links_lead_to_other_traces"},
    "Underclaims": {
        "test_every_feature_has_a_claim_and_every_claim_a_feature",
        f"{CLAIM}[span.events]",
        PROGRAM,
    },
}


@pytest.mark.parametrize("broken", FAILING)
def test_a_broken_backend_fails_the_tests_that_are_meant_for_it(broken: str):
    """A kit that has never failed proves nothing; one that fails everywhere says nothing."""
    command = [sys.executable, "-m", "pytest", "--noconftest", "-p", "no:cacheprovider", "-q", "--tb=no", "-rfE"]
    done = subprocess.run(
        [*command, f"{BROKEN}::Test{broken}"],
        cwd=BROKEN.parents[2],
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    failed = re.findall(r"^(?:FAILED|ERROR) \S+?::Test\w+::(\w+(?:\[[^\]]*\])?)", done.stdout, re.MULTILINE)
    assert set(failed) == FAILING[broken], done.stdout[-3_000:]
    assert re.search(r"\b1\d\d passed", done.stdout), done.stdout[-3_000:]


def test_every_broken_backend_is_run():
    """One that nobody runs breaks nothing."""
    assert set(re.findall(r"^class Test(\w+)", BROKEN.read_text(), re.MULTILINE)) == set(FAILING)
