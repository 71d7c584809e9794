"""What the demo service emits for each of its answers."""

import pytest
from fastapi.testclient import TestClient

import anytel
from anytel import runtime
from anytel.backend import MetricKind
from anytel.demo import telemetry
from anytel.demo.app import create_app
from anytel.metrics.instruments import Instrument


def test_a_revalidation_is_one_trace_of_nested_spans(memory, revalidate):
    """The call of the MCP server and the queries are inside of the processing, that inside of the request."""
    revalidate("home-hero", "home")
    spans = {span.name: span for span in memory.spans}
    assert set(spans) == {"POST /revalidate", "revalidate.process", "mcp.call", "db.query"}
    process, call = spans["revalidate.process"], spans["mcp.call"]
    assert process.parent_id == spans["POST /revalidate"].context.span_id
    assert call.parent_id == spans["db.query"].parent_id == process.context.span_id
    assert (call.kind, call.service, process.service) == ("client", "afo-mcp", "shop")
    assert process.attributes["fragment.key"] == "home-hero"
    assert len({span.context.trace_id for span in spans.values()}) == 1


def test_a_revalidation_emits_all_five_kinds_of_metrics(memory, revalidate):
    """Counts, gauges, samples and members of one successful request."""
    revalidate("home-hero")
    kinds: set[MetricKind] = {point.series.kind for point in memory.points}
    assert kinds == {"count", "gauge", "distribution", "histogram", "set"}
    assert memory.total("mcp.calls", type="revalidate", endpoint="revalidate") == 1
    assert memory.total("response.time", endpoint="revalidate") == 1
    assert memory.total("db.query.time", operation="select") == 1
    assert memory.total("db.query.time", operation="upsert") == 1
    assert memory.point("unique.fragments").members == ("home-hero",)
    assert memory.point("active.users").value == 0


def test_unique_fragments_counts_each_fragment_once(memory, revalidate):
    """Twice the same and once another are two."""
    for key in ("home-hero", "faq", "home-hero"):
        revalidate(key)
    assert memory.total("unique.fragments") == 2


def test_the_log_lines_of_a_request_carry_its_id_and_its_trace(memory, client):
    """The id that the caller gave is bound to all that is logged meanwhile."""
    headers = {"x-revalidate-secret": "test-secret", "x-request-id": "r-1"}
    client.post("/revalidate", json={"fragmentKey": "home-hero"}, headers=headers)
    root = memory.span("POST /revalidate")
    logs = [log for log in memory.logs if log.context is not None]
    assert [log.message for log in logs] == ["request_started", "revalidate_called", "revalidated", "request_completed"]
    assert {log.attributes["request_id"] for log in logs} == {"r-1"}
    assert {log.context.trace_id for log in logs} == {root.context.trace_id}


def test_a_failing_mcp_server_is_a_500_that_is_reported_once(memory, revalidate):
    """The exception leaves three spans, which fail; the report, the answer and the spans have one trace id."""
    response = revalidate("broken-hero")
    assert response.status_code == 500
    error = memory.error()
    assert (error.exception.type, error.handled) == ("McpError", False)
    assert response.json() == {"error": "Internal server error", "trace_id": f"{error.context.trace_id:032x}"}
    failed = {span.name for span in memory.spans if span.status == "error"}
    assert failed == {"POST /revalidate", "revalidate.process", "mcp.call"}
    assert error.context.span_id == memory.span("mcp.call").context.span_id
    (warning,) = [log for log in memory.logs if log.level == "warning"]
    assert warning.message == "revalidate_failed"


def test_what_is_timed_and_counted_is_so_for_failures_too(memory, revalidate):
    """The failed request has a response time and a call, and nobody is active any more."""
    revalidate("broken-hero")
    assert memory.total("response.time", endpoint="revalidate") == 1
    assert memory.total("mcp.calls", type="revalidate") == 1
    assert memory.point("active.users").value == 0


@pytest.mark.parametrize(("key", "secret", "status"), [("../evil", "test-secret", 400), ("home-hero", "wrong", 401)])
def test_a_request_that_is_not_let_in_is_no_error_and_calls_nobody(memory, revalidate, key, secret, status):
    """It is a span and log lines; the caller's mistake is not reported."""
    assert revalidate(key, secret=secret).status_code == status
    (span,) = memory.spans
    assert (span.name, span.status) == ("POST /revalidate", "unset")
    assert span.attributes["http.response.status_code"] == status
    assert memory.errors == []
    assert memory.total("mcp.calls") == 0


def test_the_secret_is_asked_for_before_the_body_is_judged(revalidate):
    """Who does not know it learns nothing about keys."""
    assert revalidate("../evil", secret="wrong").status_code == 401


def test_the_secret_comes_from_the_environment(revalidate, monkeypatch):
    """REVALIDATE_SECRET replaces the demo's; it may be any text."""
    monkeypatch.setenv("REVALIDATE_SECRET", "geheimnisträger")
    assert revalidate("home-hero").status_code == 401
    assert revalidate("home-hero", secret="geheimnisträger".encode()).status_code == 200


def test_neither_the_secret_nor_a_key_reaches_a_metric(memory, revalidate):
    """Tags are declared, and of few values."""
    revalidate("home-hero")
    revalidate("../evil")
    values = {value for point in memory.points for _, value in point.series.tags}
    assert not {value for value in values if "hero" in value or "evil" in value or "secret" in value}


def test_the_trinity_score_is_the_share_of_true_good_and_beautiful_revalidations(memory, revalidate):
    """A fragment is known from its second revalidation on; one of these four fails."""
    for key in ("home-hero", "home-hero", "home-hero", "broken-hero"):
        revalidate(key)
    assert memory.point("trinity.score", pillar="truth").value == 50
    assert memory.point("trinity.score", pillar="goodness").value == 75


def test_a_skill_is_counted_by_its_category_and_status(memory, client):
    """One run each of a skill that works and one whose server fails, which is reported as handled."""
    assert client.post("/skills/link-check/run").json() == {"skill": "link-check", "status": "ok"}
    assert client.post("/skills/legacy-sync/run").status_code == 502
    assert memory.total("skills.executions", skill_id="link-check", category="quality", status="ok") == 1
    assert memory.total("skills.executions", skill_id="legacy-sync", category="data", status="error") == 1
    assert memory.total("mcp.calls", type="execute", endpoint="skills") == 2
    error = memory.error()
    assert (error.handled, error.attributes["skill.id"]) == (True, "legacy-sync")


def test_an_unknown_skill_is_a_404_and_no_execution(memory, client):
    """HTTP exceptions keep their meaning."""
    response = client.post("/skills/time-travel/run")
    assert (response.status_code, response.json()) == (404, {"detail": "Unknown skill"})
    assert memory.total("skills.executions") == 0


def test_the_number_of_skills_is_published_by_category(memory, client):
    """It is the number of those declared, from the start on."""
    total = sum(client.get("/skills").json()["skills"].values())
    assert total == len(telemetry.SKILLS)
    assert sum(memory.point("skills.count", category=one).value for one in telemetry.CATEGORIES) == total


def test_the_service_has_no_debug_surface(client):
    """No generated documentation is served."""
    assert {client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")} == {404}


INSTRUMENTS = [one for one in vars(telemetry).values() if isinstance(one, Instrument)]


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda instrument: instrument.name)
def test_every_metric_is_declared_with_an_owner_and_a_description(instrument):
    """Dashboards and rules are drawn from these."""
    assert instrument.owner
    assert instrument.description


def test_the_metrics_of_the_source_document_are_declared():
    """By the names that the generated dashboards will use."""
    assert {instrument.name for instrument in INSTRUMENTS} == {
        "mcp.calls", "active.users", "response.time", "db.query.time", "unique.fragments", "trinity.score",
        "skills.executions", "skills.count",
    }  # fmt: skip


def test_a_service_that_is_started_unconfigured_configures_itself_and_shuts_down(monkeypatch):
    """As under ``uvicorn anytel.demo.app:app``, from the environment."""
    monkeypatch.setenv("TELEMETRY_BACKENDS", "memory")
    with TestClient(create_app()):
        settings = runtime.active.settings
        assert settings.service.value == "afo-kingdom-api"
        assert settings.backends.value == ("memory",)
    assert runtime.active.settings is None


def test_a_service_that_is_started_configured_changes_nothing(memory):
    """Neither at its start nor at its end."""
    before = runtime.active
    with TestClient(create_app()):
        assert runtime.active is before
    assert runtime.active is before
    assert anytel.stats().refused == {}
