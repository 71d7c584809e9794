"""Datadog's own client sends each generated body to its API, on loopback, and nothing of it is lost on the way."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import datadog_api_client as client
import pytest

from anytel.demo import telemetry


class Recorder(BaseHTTPRequestHandler):
    """Keeps what is sent, and answers that it is not there: what is answered is no part of this."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.command, self.path, json.loads(body)))
        self.send_response(404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"errors": ["not here"]}')

    def do_PUT(self):
        self.do_POST()

    def log_message(self, *_):
        pass


@pytest.fixture
def api():
    """Give a client and what its server has received."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.received = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    configuration = client.Configuration(host=f"http://127.0.0.1:{server.server_port}", enable_retry=False)
    configuration.api_key.update(apiKeyAuth="key", appKeyAuth="application key")
    with client.ApiClient(configuration) as made:
        yield made, server.received
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give what is generated for the demo service."""
    folder = tmp_path_factory.mktemp("ops")
    command = [Path(sys.executable).with_name("anytel"), "generate", "datadog", "--datadog-by", "cluster"]
    subprocess.run([*command, "--app", telemetry.__name__, "--out", folder], check=True, capture_output=True)
    return folder / "datadog"


def calls(made):
    """Give how each kind is sent: the function, the model of the body, and the path."""
    from datadog_api_client.v1.api import dashboards_api, metrics_api, monitors_api, service_level_objectives_api
    from datadog_api_client.v1.model.dashboard import Dashboard
    from datadog_api_client.v1.model.metric_metadata import MetricMetadata
    from datadog_api_client.v1.model.monitor import Monitor
    from datadog_api_client.v1.model.service_level_objective_request import ServiceLevelObjectiveRequest
    from datadog_api_client.v2.api import metrics_api as metrics_api_2
    from datadog_api_client.v2.model.metric_tag_configuration_create_request import MetricTagConfigurationCreateRequest

    objectives = service_level_objectives_api.ServiceLevelObjectivesApi(made)
    metrics, metrics_2 = metrics_api.MetricsApi(made), metrics_api_2.MetricsApi(made)
    return {
        "monitors": (lambda _, body: monitors_api.MonitorsApi(made).create_monitor(body), Monitor, "/api/v1/monitor"),
        "slos": (lambda _, body: objectives.create_slo(body), ServiceLevelObjectiveRequest, "/api/v1/slo"),
        "dashboards": (
            lambda _, body: dashboards_api.DashboardsApi(made).create_dashboard(body),
            Dashboard,
            "/api/v1/dashboard",
        ),
        "metrics": (metrics.update_metric_metadata, MetricMetadata, "/api/v1/metrics/{}"),
        "tag_configurations": (
            metrics_2.create_tag_configuration,
            MetricTagConfigurationCreateRequest,
            "/api/v2/metrics/{}/tags",
        ),
    }


@pytest.mark.parametrize("kind", ["monitors", "slos", "dashboards", "metrics", "tag_configurations"])
def test_a_body_arrives_as_it_was_generated(api, folder, kind):
    """By the client's function for it, at the path that the documentation names."""
    from datadog_api_client.model_utils import validate_and_convert_types

    made, received = api
    send, model, path = calls(made)[kind]
    files = sorted((folder / kind).glob("*.json"))
    assert files
    for file in files:
        body, name = json.loads(file.read_text()), file.name.removesuffix(".json")
        loaded = validate_and_convert_types(body, (model,), [kind], True, True, made.configuration)
        with pytest.raises(client.exceptions.NotFoundException):
            send(name, loaded)
        _, at, arrived = received.pop()
        assert (at, arrived) == (path.format(name), body)
