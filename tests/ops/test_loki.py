"""Loki, with its generated configuration, keeps and finds log lines as anytel writes them."""

from __future__ import annotations

import json
import time
from urllib.request import Request

import pytest

from anytel.generate import Options, generate
from ops.declared import SERVICE, catalogue
from ops.servers import edited, write
from real.processes import free_ports, need, running
from real.web import await_value, get, get_json, send

pytestmark = [pytest.mark.go, pytest.mark.timeout(120)]


@pytest.fixture
def loki(tmp_path):
    """Give the address of a Loki with the generated configuration, below another folder and at other ports."""
    folder = write(tmp_path, generate("stack", catalogue(), Options(service=SERVICE))) / "stack"
    http, grpc = free_ports(2)
    with edited(folder / "loki/loki.yml") as config:
        config["server"] = {"http_listen_port": http, "grpc_listen_port": grpc, "http_listen_address": "127.0.0.1"}
        config["common"]["instance_addr"] = "127.0.0.1"
    path = folder / "loki/loki.yml"
    path.write_text(path.read_text().replace("/loki", f"{tmp_path}/loki-data"))
    url = f"http://127.0.0.1:{http}"
    with running([need("loki-3.7.8").path, f"-config.file={path}"], tmp_path, lambda: get(f"{url}/ready")):
        yield url


def test_errors_of_a_service_are_found_by_their_fields_and_not_by_the_word(loki):
    """``|= "error"`` would find the first line too; the trace id is structured metadata, as Alloy sends it."""
    now = time.time_ns()
    lines = [
        (now, {"level": "info", "event": "no error here"}, "a" * 32),
        (now + 1, {"level": "error", "event": "payment_failed"}, "b" * 32),
    ]
    streams = [
        {
            "stream": {"service_name": SERVICE, "level": line["level"]},
            "values": [[str(at), json.dumps(line), {"trace_id": trace_id}]],
        }
        for at, line, trace_id in lines
    ]
    headers = {"Content-Type": "application/json"}
    send(Request(f"{loki}/loki/api/v1/push", data=json.dumps({"streams": streams}).encode(), headers=headers))

    asked = {"query": f'{{service_name="{SERVICE}"}} | json | level="error"', "start": str(now - 10**9)}
    (found,) = await_value(lambda: get_json(f"{loki}/loki/api/v1/query_range", asked)["data"]["result"])
    assert json.loads(found["values"][0][1])["event"] == "payment_failed"
    assert found["stream"]["trace_id"] == "b" * 32
