"""What is asked of log lines: as LogQL, as rules, and what is refused. `tests/ops` has a Loki answer it."""

from __future__ import annotations

import re

import pytest
import yaml

import anytel
from anytel.catalogue import Catalogue
from anytel.catalogue.validate import problems
from anytel.errors import DeclarationError
from anytel.generate import generate
from anytel.generate.checking import check
from anytel.generate.logql import LABELS, METADATA, LogQL, read
from anytel.generate.stack.logs import ALLOY
from anytel.generate.writer import write

ERRORS = '{service_name="shop", level="error"}'
CASES = [
    (anytel.Lines(level="error"), f"(sum(count_over_time({ERRORS} [5m])) or vector(0))"),
    (
        anytel.Lines("payment_failed", level="error", by="provider", window="1h"),
        f'sum by (provider) (count_over_time({ERRORS} | json | event="payment_failed" [1h]))',
    ),
    (anytel.Lines(level="error", by="level"), f"sum by (level) (count_over_time({ERRORS} [5m]))"),
    (
        anytel.Lines("pay*", where={"http.route": ("/a", "/b"), "retry": True, "order": 3}),
        (
            '(sum(count_over_time({service_name="shop"} | json | event=~"pay.*" | http_route=~"/a|/b" | retry="true"'
            ' | order="3" [5m])) or vector(0))'
        ),
    ),
    (
        anytel.Lines(where={"user": "*", "said": 'a "b" \\'}),
        r'(sum(count_over_time({service_name="shop"} | json | user=~".+" | said="a \"b\" \\" [5m])) or vector(0))',
    ),
]


@pytest.mark.parametrize(("lines", "query"), CASES)
def test_a_number_of_lines_is_this_query(lines, query):
    """Service and level select streams; all else is looked for in them."""
    assert LogQL("shop").expression(lines) == query


READABLE = [
    '{a="b", c=~"d.*"} |= "x" != `y` | json | level="error" | status >= 500 and (x="1" or y!=2)',
    'topk(3, sum(rate({a="b"} |~ "e" | logfmt | unwrap bytes(n) [1m])) by (h))',
    'quantile_over_time(0.99, {a="b"} | json | unwrap duration(t) [5m]) by (h)',
    'sum(rate({a="b"}[1m])) / sum(rate({c="d"}[1m] offset 1h)) * 100 > bool 3',
    '{a="b"} | pattern `<_> <m>` | line_format "{{.m}}" | label_format x=y,z="q" | drop a,b="c"',
    'sum(count_over_time({a="b"} | json | d > 10ms | s < 5KB [5m])) or vector(0)',
    '{a="b"} | trace_id="x"',
]
UNREADABLE = [
    ('{a="b"} |= ', "it ends too early"),
    ('{a="b"} json', "unexpected 'json'"),
    ("{}", "unexpected '}'"),
    ('sum(rate({a="b"}))', "unexpected '))'"),
    ('rate({a="b"}[5m]) by (x', "it ends too early"),
    ("{a=b}", "unexpected 'b}'"),
    ('sum by (x) count_over_time({a="b"}[5m])', "unexpected 'count_over_t'"),
    ("rate(x[5m])", "unexpected 'x[5m])'"),
]


@pytest.mark.parametrize("query", [*READABLE, *[query for _, query in CASES]])
def test_logql_is_read(query):
    """What Loki's pages show, and what is generated."""
    read(query)


@pytest.mark.parametrize(("query", "told"), UNREADABLE)
def test_what_is_no_logql_is_told(query, told, options):
    """With the place in the query, and that of the declaration."""
    with pytest.raises(ValueError, match=re.escape(told)):
        read(query)
    anytel.Alert("Own", anytel.Raw(logql=query), severity="info")
    with pytest.raises(DeclarationError, match=r"test_loki\.py:\d+: alert 'Own': logql= cannot be read"):
        generate("loki", Catalogue.declared(), options)


BROKEN = [
    ({"expr": "sum(rate(x[5m])) > 1"}, "unexpected 'x[5m])"),
    ({"expr": 'sum(rate({trace_id="x"}[5m])) > 1'}, "trace_id is no label"),
    ({"labels": {}}, "it has no severity"),
    ({"annotations": {}}, "it has no summary"),
]


@pytest.mark.parametrize(("change", "told"), BROKEN)
def test_a_broken_rule_is_refused(tmp_path, options, change, told):
    """The finding names the file, the alert and what is wrong with it."""
    anytel.Alert("Errors", anytel.Lines(level="error") > 3, severity="info")
    write(tmp_path, {"loki": generate("loki", Catalogue.declared(), options)})
    assert [(one.check, one.outcome) for one in check(tmp_path) if one.check == "logql"] == [("logql", "passed")]
    path = tmp_path / "loki/rules/fake/alerts.yml"
    data = yaml.safe_load(path.read_text())
    data["groups"][0]["rules"][0] |= change
    path.write_text(yaml.safe_dump(data))
    (found,) = [one for one in check(tmp_path) if one.outcome == "failed"]
    assert found.file == "loki/rules/fake/alerts.yml"
    assert found.detail.startswith(f"Errors: {told}")


def test_an_alert_on_lines_is_a_rule_of_loki_and_of_nobody_else(options):
    """With the labels by which Alertmanager routes it."""
    lines = anytel.Lines("payment_failed", level="error", by="pay.provider")
    said = "{value} payments failed at {pay.provider}, {threshold} are usual."
    anytel.Alert("Payments", lines > 3, severity="critical", message=said, owner="core", runbook="https://e.com/r")
    anytel.Alert("Own", anytel.Raw(logql='sum(rate({a="b"}[1m])) > 1'), severity="info", for_="0s")
    made = {target: generate(target, Catalogue.declared(), options) for target in ("loki", "prometheus", "datadog")}
    assert not [path for path in made["prometheus"] if "Payments" in path]
    assert "datadog/monitors/Payments.json" not in made["datadog"]
    payments, own = yaml.safe_load(made["loki"]["loki/rules/fake/alerts.yml"])["groups"][0]["rules"]
    assert payments == {
        "alert": "Payments",
        "expr": f'sum by (pay_provider) (count_over_time({ERRORS} | json | event="payment_failed" [5m])) > 3',
        "for": "5m",
        "labels": {"owner": "core", "service": "shop", "severity": "critical"},
        "annotations": {
            "summary": "Payments: pay.provider {{ $labels.pay_provider }}",
            "description": "{{ $value }} payments failed at {{ $labels.pay_provider }}, 3 are usual.",
            "runbook_url": "https://e.com/r",
        },
    }
    assert own["expr"] == 'sum(rate({a="b"}[1m])) > 1'


def test_without_alerts_on_lines_there_is_no_rule(catalogue, options):
    """And the stack's Loki mounts none."""
    assert generate("loki", catalogue, options) == {}
    stack = generate("stack", catalogue, options)
    assert "ruler" not in yaml.safe_load(stack["stack/loki/loki.yml"])
    assert "/etc/loki/rules" not in stack["stack/compose.yaml"]


def test_the_stack_has_loki_evaluate_the_rules(options):
    """It mounts them, and knows the Alertmanager."""
    anytel.Alert("Errors", anytel.Lines(level="error") > 3, severity="info")
    stack = generate("stack", Catalogue.declared(), options)
    assert yaml.safe_load(stack["stack/loki/loki.yml"])["ruler"]["alertmanager_url"] == "http://alertmanager:9093"
    assert "./loki/rules:/etc/loki/rules:ro" in stack["stack/compose.yaml"]
    assert "Errors" in stack["stack/loki/rules/fake/alerts.yml"]


def test_a_number_of_lines_is_not_shown():
    """The lines themselves are."""
    anytel.View("Errors", anytel.Lines(level="error"))
    (told,) = problems(Catalogue.declared())
    assert "view 'Errors': a number of log lines is only alerted on, and not shown" in told


def test_the_shipper_makes_the_labels_that_queries_have():
    """Of the fields that a line has; ids are no labels."""
    labels = ALLOY.partition("stage.labels {")[2].partition("}\n  }")[0]
    metadata = ALLOY.partition("stage.structured_metadata {")[2].partition("}\n  }")[0]
    assert all(f'{name} = ""' in labels for name in LABELS)
    assert all(f'{name} = ""' in metadata for name in METADATA)
    assert not any(name in labels for name in METADATA)


WRONG = [
    (lambda: anytel.Lines() > 1, "these are all log lines", "Say which"),
    (lambda: anytel.Lines(level="fatal") > 1, "no level 'fatal'", "critical"),
    (lambda: anytel.Lines("x", by="trace_id") > 1, "by trace_id there are as many values as lines", "Leave it out"),
    (lambda: anytel.Lines("x", where={"a": ()}) > 1, "a has no value to match", "'*' for any"),
    (lambda: anytel.Lines("x", window="0s") > 1, "the window is empty", "above 0"),
    (lambda: anytel.Lines("x", window="soon") > 1, "'soon' is no duration", "Write a number"),
    (lambda: anytel.Lines("x") >= 0, "it always holds", "another number"),
    (lambda: anytel.Lines("x") < 0, "it never holds", "another number"),
]


@pytest.mark.parametrize(("make", "wrong", "fix"), WRONG)
def test_what_is_wrong_is_told_with_its_place(make, wrong, fix):
    """And the fix."""
    anytel.Alert("Lines", make(), severity="info")
    (told,) = problems(Catalogue.declared())
    assert told.startswith("tests/generate/test_loki.py:")
    assert wrong in told
    assert fix in told
