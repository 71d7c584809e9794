"""instrument(app, metrics="/metrics"): Prometheus scrapes the application itself."""

import asyncio
import gzip
from itertools import pairwise

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

import anytel
from anytel.asgi import scrape
from anytel.fastapi import instrument
from anytel_prometheus import PrometheusBackend
from asgi.client import ask, drive, scope_of

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def app(configured):
    """Have an application with one counter, and memory and Prometheus as its backends."""
    memory = configured()
    anytel.configure(backends=[memory.backend, PrometheusBackend()], log_level="error")
    anytel.count("shop.orders", 3)
    made = instrument(FastAPI(), metrics="/metrics")
    made.state.memory = memory
    return made


def test_it_answers_a_scrape(app):
    """The route is not the application's, and so it is not in its documentation."""
    answer = ask(app, "GET", "/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["shop_orders"].samples[0].value == 3
    assert "/metrics" not in app.openapi()["paths"]


def test_the_format_and_the_coding_are_negotiated(app):
    """OpenMetrics where the scraper asks for it, and gzip."""
    answer = ask(app, "GET", "/metrics", headers={"accept": OPENMETRICS, "accept-encoding": "gzip"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.endswith("# EOF\n")

    sent, _ = drive(app, scope_of("/metrics", headers=[(b"accept-encoding", b"gzip")]))
    assert gzip.decompress(b"".join(message["body"] for message in sent[1:])).startswith(b"# ")


def test_head_has_the_headers_alone(app):
    """With the length of what GET would give; other methods are refused."""
    answer = ask(app, "HEAD", "/metrics")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0
    assert ask(app, "POST", "/metrics").status_code == 405


def test_a_scrape_is_no_request(app):
    """It is neither traced nor counted nor logged."""
    ask(app, "GET", "/metrics")
    body = ask(app, "GET", "/metrics").text
    assert app.state.memory.spans == []
    assert "http_server" not in body


@pytest.mark.parametrize("root", ["", "/proxy"])
def test_it_is_at_that_path_alone(app, root):
    """Below the root that a proxy takes off; another path is the application's."""
    sent, _ = drive(app, scope_of(f"{root}/metrics", root_path=root))
    assert sent[0]["status"] == 200
    sent, _ = drive(app, scope_of(f"{root}/metrics/", root_path=root), {"type": "http.request"})
    assert sent[0]["status"] == 404


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_without_a_backend_that_is_scraped_it_is_a_404_and_one_warning(memory, caplog, monkeypatch, method):
    """The one setting may name other backends elsewhere: that is no mistake of the application."""
    monkeypatch.setattr(scrape, "_warned", False)
    app = instrument(FastAPI(), metrics="/metrics")

    answers = [ask(app, method, "/metrics") for _ in range(3)]

    assert {answer.status_code for answer in answers} == {404}
    assert (b"TELEMETRY_BACKENDS" in answers[0].content) is (method == "GET")
    assert [record.message for record in caplog.records if "scraped" in record.message] == [
        "/metrics is scraped, but no backend serves metrics: put prometheus among TELEMETRY_BACKENDS"
    ]
    assert memory.spans == []


def test_the_event_loop_runs_on_while_a_large_exposition_is_rendered(app):
    """Another task gets its turns between the request and the first byte, and between the parts of the body."""
    for number in range(1_900):
        for name in ("shop.a", "shop.b", "shop.c", "shop.d", "shop.e"):
            anytel.count(name, tags={"series": number, "filling": "x" * 40})

    async def run():
        turns, at = 0, []

        async def other():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async def send(message):
            at.append(turns)

        task = asyncio.create_task(other())
        await asyncio.sleep(0)
        before = turns
        await app(scope_of("/metrics"), None, send)
        task.cancel()
        return before, at

    before, at = asyncio.run(run())
    assert at[0] - before > 50, "rendered on the event loop, there would be none"
    assert len(at) > 3, "the body is sent in parts"
    assert all(later > earlier for earlier, later in pairwise(at[1:]))


@pytest.mark.parametrize("path", [True, "metrics", ""])
def test_what_is_no_path_is_refused(memory, path):
    """It could never be asked for."""
    app = instrument(FastAPI(), metrics=path)
    assert anytel.stats().refused["metrics_path"] == 1
    assert ask(app, "GET", "/metrics").status_code == 404
