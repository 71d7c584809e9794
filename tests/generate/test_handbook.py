"""The handbook: every declaration is in it, with its meaning, its owner, its queries and what to do."""

from __future__ import annotations

import re

import pytest

import anytel
from anytel.catalogue import Catalogue
from anytel.generate import generate
from anytel.generate.datadog.rules import monitor_problems, query_problems
from anytel.generate.queries import parse

PAGE = "docs/METRICS.md"


@pytest.fixture
def page(catalogue, options):
    return generate("docs", catalogue, options)[PAGE]


def section(page, title):
    """Give what stands below a heading."""
    return page.partition(f"\n### {title}\n")[2].partition("\n### ")[0].partition("\n## ")[0]


def test_everything_declared_is_there(page, catalogue):
    """Each under a heading of its own."""
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    metrics = [f"`{name}`" for name in catalogue.instruments]
    assert headings == [*metrics, *[one.name for one in catalogue.slos], *[one.name for one in catalogue.alerts]]


def test_the_same_declarations_give_the_same_bytes(catalogue, options, page):
    """Whatever the order of a set is in this process."""
    assert generate("docs", catalogue, options)[PAGE] == page


def test_a_metric_has_its_facts_and_its_name_at_each_vendor(page):
    """And its tags, with their values where they are declared."""
    found = section(page, "`mcp.calls`")
    assert "* Kind: count\n* Unit: {call}\n* Owner: core\n" in found
    assert "| `endpoint` | `revalidate`, `skills` |" in found
    assert "| Prometheus | `mcp_calls_total` | counter | none |" in found
    assert "| Datadog | `mcp.calls` | count | none |" in found


def test_an_objective_says_what_is_promised_and_who_is_told(page):
    """With the table of its alerts."""
    found = section(page, "good")
    assert "99 % within 28d are good. 1 % may be otherwise." in found
    assert "| critical | 2 % | 1h | 5m | nobody |" in found
    assert "Not at Datadog: Datadog has objectives over 7d, 30d, 90d, and not over 28d." in found
    assert "What to do: <https://example.com/r>" in found


def test_an_alert_says_what_it_means_and_what_to_do(page):
    """What is filled in at run time stands in brackets."""
    found = section(page, "P95")
    assert "(value) at (endpoint), {over} 500 ms" in found
    assert "* Severity: critical\n" in found
    assert "* Without data: told after 10m\n* For each: `endpoint`" in found
    assert "What to do: nothing is written down yet; give it a `runbook=`." in found
    assert "* Owner: core\n" in section(page, "Rate")


def test_every_query_can_be_read(page):
    """By the parsers of each vendor."""
    promql = re.findall(r"^```promql\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    datadog = re.findall(r"^```text\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    assert len(promql) > 20
    assert len(datadog) > 20
    for query in promql:
        parse(query)
    for query in datadog:
        assert query_problems(query) == [] or monitor_problems(query) == [], query


def test_what_a_person_wrote_is_no_markup(options):
    """Nor does it leave its line, or its table."""
    calls = anytel.Counter("a", tags=("t",), description="# *of* <b>\n| it", owner="us | them")
    anytel.View("Calls & [more]", calls, anytel.Raw(datadog="avg:system.load.1{*}"), row="R")
    page = generate("docs", Catalogue.declared(), options)[PAGE]
    assert "\\# \\*of\\* \\<b\\> \\| it" in page
    assert "* Owner: us \\| them" in page
    assert "### R/Calls & \\[more\\]" in page
    assert "Not at Prometheus: it is none of its metrics." in page
