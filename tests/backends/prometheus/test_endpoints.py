"""How a Prometheus server reaches the metrics: ASGI, WSGI, a server of our own; and the backend's life."""

import asyncio
import gzip
import os
import socket
import threading
import time
from urllib.error import HTTPError, URLError
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import httpx
import prometheus_client
import pytest

import anytel_prometheus
from anytel.backend import Backend, ConfigError
from anytel.testing.receivers.prometheus import ACCEPT, parse, scrape
from anytel_prometheus import PrometheusBackend, asgi_app, start_http_server, wsgi_app

TRACE = "0af7651916cd43dd8448eb211c80319c"


def _has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


HAS_IPV6 = _has_ipv6()


def later():
    return time.monotonic() + 2


def get(method="GET", **headers):
    """Ask the ASGI app in process."""

    async def ask():
        transport = httpx.ASGITransport(asgi_app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.request(method, "/metrics", headers={"accept-encoding": "identity", **headers})

    return asyncio.run(ask())


def call_wsgi(**environ):
    """Ask the WSGI app in process, through the standard library's validator."""
    started, environ = [], {"QUERY_STRING": "", **environ}
    setup_testing_defaults(environ)
    result = validator(wsgi_app)(
        environ, lambda status, headers, exc_info=None: started.append((status, dict(headers)))
    )
    try:
        body = b"".join(result)
    finally:
        result.close()
    return *started[0], body


class TestAsgi:
    def test_it_serves_the_open_backend(self, prometheus):
        """With exemplars for a scraper that understands them."""
        prometheus.host.add("count", "mcp.calls", 3, exemplars={0: 1})
        response = get(accept=ACCEPT)
        scraped = parse(response.content, response.headers["content-type"])
        assert response.status_code == 200
        assert scraped.exemplar("mcp_calls_total").labels["trace_id"] == TRACE
        assert int(response.headers["content-length"]) == len(response.content)

    def test_it_says_what_to_do_when_no_backend_is_open(self):
        """503 rather than an empty exposition, which would look like all is well."""
        response = get()
        assert response.status_code == 503
        assert "TELEMETRY_BACKENDS" in response.text

    def test_a_large_exposition_is_sent_in_chunks_and_rendered_off_the_loop(self, prometheus):
        """So that neither rendering nor one giant write stalls other requests."""
        threads, sent = set(), []
        for index in range(6000):
            prometheus.host.add("gauge", "wide", index, {"key": f"{index:060d}"})
        collect = prometheus.host.collect
        prometheus.host.collect = lambda: (threads.add(threading.current_thread()), collect())[1]

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "GET", "headers": []}
        asyncio.run(asgi_app(scope, None, send))
        bodies = [message["body"] for message in sent[1:]]
        assert len(bodies) > 2
        assert max(map(len, bodies)) <= 256 * 1024
        assert [message["more_body"] for message in sent[1:]] == [True] * (len(bodies) - 1) + [False]
        assert len(parse(b"".join(bodies), "text/plain").samples("wide")) == 6000
        assert threading.current_thread() not in threads

    def test_it_compresses_when_asked(self, prometheus):
        """Prometheus always asks."""
        prometheus.host.add("count", "mcp.calls", 3)
        response = get(**{"accept-encoding": "gzip"})
        assert response.headers["content-encoding"] == "gzip"
        assert parse(response.content, response.headers["content-type"]).value("mcp_calls_total") == 3
        assert "content-encoding" not in get(**{"accept-encoding": "gzip;q=0, br"}).headers

    def test_head_has_no_body_and_post_is_refused(self, prometheus):
        """An endpoint to read."""
        head, post = get("HEAD"), get("POST")
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 0
        assert (post.status_code, post.headers["allow"]) == (405, "GET, HEAD")

    def test_a_websocket_is_refused(self):
        """Only HTTP scopes are answered."""
        with pytest.raises(NotImplementedError, match="not websocket"):
            asyncio.run(asgi_app({"type": "websocket"}, None, None))


class TestWsgi:
    def test_it_serves_the_open_backend(self, prometheus):
        """In the negotiated format, by the rules of PEP 3333."""
        prometheus.host.add("count", "mcp.calls", 3, exemplars={0: 1})
        status, headers, body = call_wsgi(HTTP_ACCEPT=ACCEPT)
        assert status == "200 OK"
        assert parse(body, headers["content-type"]).exemplar("mcp_calls_total").labels["trace_id"] == TRACE

    def test_it_compresses_when_asked(self, prometheus):
        """As the ASGI application does."""
        prometheus.host.add("count", "mcp.calls", 3)
        _, headers, body = call_wsgi(HTTP_ACCEPT_ENCODING="deflate, gzip;q=0.5")
        assert parse(gzip.decompress(body), headers["content-type"]).value("mcp_calls_total") == 3

    def test_it_says_what_to_do_when_no_backend_is_open(self):
        """503 with a text for whoever looks."""
        status, _, body = call_wsgi()
        assert status == "503 Service Unavailable"
        assert b"TELEMETRY_BACKENDS" in body

    def test_head_has_no_body(self, prometheus):
        """But the length that GET would have."""
        status, headers, body = call_wsgi(REQUEST_METHOD="HEAD")
        assert (status, body) == ("200 OK", b"")
        assert int(headers["content-length"]) > 0


class TestServer:
    def test_it_serves_on_a_free_loopback_port_until_closed(self, prometheus):
        """A second close does nothing, and the port is free again."""
        prometheus.host.add("gauge", "queue.depth", 12)
        server = start_http_server()
        assert server.host == "127.0.0.1"
        assert server.url == f"http://127.0.0.1:{server.port}/metrics"
        assert scrape(server.url).value("queue_depth") == 12
        server.close()
        server.close()
        with pytest.raises(URLError):
            scrape(server.url)
        socket.create_server(("127.0.0.1", server.port)).close()

    def test_it_follows_the_backend_that_is_open(self, prometheus):
        """503 once that is closed."""
        server = start_http_server(host="localhost")
        try:
            scrape(server.url)
            prometheus.close()
            with pytest.raises(HTTPError) as caught:
                scrape(server.url)
            caught.value.close()
            assert caught.value.code == 503
        finally:
            server.close()

    @pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6 loopback")
    def test_it_serves_ipv6_too(self, prometheus):
        """The url has the address in brackets."""
        prometheus.host.add("gauge", "queue.depth", 12)
        server = start_http_server(host="::1")
        try:
            assert server.url == f"http://[::1]:{server.port}/metrics"
            assert scrape(server.url).value("queue_depth") == 12
        finally:
            server.close()


class TestSettings:
    def test_without_a_port_nothing_listens(self, host):
        """The application mounts an endpoint instead."""
        backend = PrometheusBackend()
        backend.open(host)
        assert backend.url is None
        assert backend.native is prometheus_client.REGISTRY
        backend.close(later())

    def test_with_a_port_the_backend_listens_until_it_is_closed(self, host, monkeypatch):
        """OpenTelemetry's own variables; 0 takes any free port, and only this machine is served."""
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", " 0 ")
        host.add("count", "mcp.calls", 3)
        backend = PrometheusBackend()
        assert backend.url is None
        backend.open(host)
        url = backend.url
        assert url.startswith("http://127.0.0.1:")
        assert scrape(url).value("mcp_calls_total") == 3
        assert backend.close(later())
        assert backend.url is None
        with pytest.raises(URLError):
            scrape(url)

    def test_the_host_can_be_chosen(self, host, monkeypatch):
        """For a scraper on another machine; here, another loopback address."""
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.2")
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", "0")
        backend = PrometheusBackend()
        backend.open(host)
        try:
            assert backend.url.startswith("http://127.0.0.2:")
            assert "python_info" in scrape(backend.url).text
        finally:
            backend.close(later())

    @pytest.mark.parametrize("value", ["http", "-1", "65536", "80.5"])
    def test_a_bad_port_is_a_config_error(self, monkeypatch, value):
        """It names the setting, the value, where it came from and what to do."""
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", value)
        with pytest.raises(ConfigError) as caught:
            PrometheusBackend()
        assert str(caught.value) == (
            f"OTEL_EXPORTER_PROMETHEUS_PORT={value!r} (from the environment): not a port. "
            "Use a number from 1 to 65535, or 0 for any free port."
        )

    def test_a_bad_port_argument_is_a_config_error_too(self):
        """The message says that the argument is meant."""
        with pytest.raises(ConfigError, match="from the argument port"):
            PrometheusBackend(port=99999)

    def test_a_port_in_use_is_a_config_error(self, host):
        """The metrics would be nowhere; configure() says so, and nothing is left behind."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(ConfigError, match=f"OTEL_EXPORTER_PROMETHEUS_PORT={port} .*cannot listen on localhost"):
                PrometheusBackend(port=port).open(host)
        assert get().status_code == 503

    def test_an_empty_port_is_no_port(self, monkeypatch):
        """As OpenTelemetry reads empty variables."""
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", "")
        PrometheusBackend()


class TestLife:
    def test_the_contract_is_stated(self):
        """A pull backend for metrics alone, which uses exemplars."""
        assert issubclass(PrometheusBackend, Backend)
        assert (PrometheusBackend.name, PrometheusBackend.signals) == ("prometheus", {"metric"})
        assert (PrometheusBackend.metric_flow, PrometheusBackend.exemplars) == ("pull", True)
        assert anytel_prometheus.__all__ == sorted(anytel_prometheus.__all__)

    def test_the_registry_shows_us_from_open_to_close(self, host):
        """Anybody's generate_latest sees our metrics, and nothing stays behind."""
        host.add("count", "mcp.calls", 3)
        backend = PrometheusBackend()
        assert prometheus_client.REGISTRY.get_sample_value("mcp_calls_total") is None
        backend.open(host)
        assert prometheus_client.REGISTRY.get_sample_value("mcp_calls_total") == 3
        assert backend.close(later())
        assert prometheus_client.REGISTRY.get_sample_value("mcp_calls_total") is None
        assert backend.close(later())

    def test_a_new_backend_takes_over_before_the_old_one_is_closed(self, prometheus, host):
        """As configure() does it: each metric once, the same port, and closing the old one changes nothing."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        old, new = PrometheusBackend(port=port), PrometheusBackend(port=port)
        prometheus.host.add("count", "mcp.calls", 1)
        host.add("count", "mcp.calls", 2)
        old.open(prometheus.host)
        try:
            assert scrape(old.url).value("mcp_calls_total") == 1
            new.open(host)
            assert prometheus_client.REGISTRY.get_sample_value("mcp_calls_total") == 2
            old.close(later())
            assert scrape(new.url).value("mcp_calls_total") == 2
        finally:
            new.close(later())
        with pytest.raises(URLError):
            scrape(f"http://127.0.0.1:{port}/metrics")

    def test_an_application_that_empties_the_registry_does_not_break_closing(self, prometheus):
        """Test suites do that between tests."""
        from anytel_prometheus.publication import _collector

        prometheus_client.REGISTRY.unregister(_collector)
        assert prometheus.backend.close(later())

    def test_concurrent_scrapes_are_all_valid(self, prometheus):
        """Two Prometheus servers often scrape the same target."""
        for index in range(200):
            prometheus.host.add("count", f"m{index % 20}", index, {"i": str(index)})
        failures = []

        def read():
            try:
                for _ in range(5):
                    assert len(prometheus.scrape().samples("m3_total")) == 10
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
class TestFork:
    @staticmethod
    def in_child(action):
        """Run *action* in a forked child and give what it returned, as text."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                answer = str(action())
            except BaseException as error:
                answer = repr(error)
            os.write(writer, answer.encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            answer = pipe.read().decode()
        os.waitpid(pid, 0)
        return answer

    def test_a_child_opens_a_server_of_its_own(self, host):
        """With port 0 each process has its port; the parent's keeps answering in the parent."""
        backend = PrometheusBackend(port=0)
        host.add("count", "mcp.calls", 1)
        backend.open(host)

        def child():
            host.points.clear()
            host.add("count", "mcp.calls", 5)
            backend.open(host)
            answer = backend.url, scrape(backend.url).value("mcp_calls_total")
            backend.close(later())
            return answer

        try:
            url, value = eval(self.in_child(child))
            assert (url != backend.url, value) == (True, 5)
            assert scrape(backend.url).value("mcp_calls_total") == 1
        finally:
            backend.close(later())

    def test_a_child_does_not_keep_the_parents_port_busy(self, host):
        """The inherited socket is closed: with it, connections would be accepted and never answered."""
        server = start_http_server()
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(writer)
            os.read(reader, 1)  # until the parent lets go
            os._exit(0)
        os.close(reader)
        try:
            server.close()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", server.port)).close()
        finally:
            os.close(writer)
            os.waitpid(pid, 0)

    def test_a_child_whose_port_is_the_parents_warns_and_goes_on(self, host, caplog):
        """A forked worker must not fail because its parent serves the port."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        backend = PrometheusBackend(port=port)
        backend.open(host)
        host.add("count", "mcp.calls", 7)

        def child():
            backend.open(host)
            return (
                backend.url,
                prometheus_client.REGISTRY.get_sample_value("mcp_calls_total"),
                caplog.records[-1].message,
            )

        try:
            url, value, message = eval(self.in_child(child))
            assert (url, value) == (None, 7)
            assert "serves no metrics: cannot listen on localhost: Address already in use" in message
        finally:
            backend.close(later())
