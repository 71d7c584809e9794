"""Loki answers what is asked of log lines, and alerts on them, by the generated rules and configuration."""

from __future__ import annotations

import json
import time
from urllib.request import Request

import pytest

import anytel
from anytel.catalogue import Catalogue, declared
from anytel.generate import Options, generate
from anytel.generate.logql import LogQL
from ops.servers import edited, write
from real.processes import free_ports, need, running
from real.web import await_value, get, get_json, send

pytestmark = [pytest.mark.go, pytest.mark.timeout(120)]
SERVICE = "shop"
LINES = [
    {"level": "error", "event": "payment_failed", "pay.provider": "a", "order": 3, "retry": True},
    {"level": "error", "event": "payment_failed", "pay.provider": "b", "order": 4, "retry": False},
    {"level": "error", "event": "payment_lost", "pay.provider": "a", "order": 5, "said": 'no "luck" \\'},
    {"level": "info", "event": "payment_failed", "pay.provider": "a", "order": 3},
]


def catalogue():
    lines = anytel.Lines("payment_*", level="error", by="pay.provider")
    said = "{value} payments failed at {pay.provider}"
    alert = anytel.Alert("Payments", lines > 1, severity="critical", for_="0s", message=said)
    quiet = anytel.Alert("Quiet", anytel.Lines("nothing") > 0, severity="info", for_="0s")
    silent = anytel.Alert("Silent", anytel.Lines("nothing") < 1, severity="info", for_="0s")
    declared.forget()
    return Catalogue(app="ops", alerts=(alert, quiet, silent), receivers=(anytel.Receiver("us", slack="#us"),))


@pytest.fixture
def loki(tmp_path):
    """Give the address of a Loki with the generated configuration, below another folder and at other ports."""
    folder = write(tmp_path, generate("stack", catalogue(), Options(service=SERVICE))) / "stack"
    http, grpc, nobody = free_ports(3)
    data = tmp_path / "loki-data"
    path = folder / "loki/loki.yml"
    path.write_text(path.read_text().replace("/etc/loki/rules", f"{folder}/LOKI/rules").replace("/loki", str(data)))
    path.write_text(path.read_text().replace(f"{folder}/LOKI", f"{folder}/loki"))
    with edited(path) as config:
        config["server"] = {"http_listen_port": http, "grpc_listen_port": grpc, "http_listen_address": "127.0.0.1"}
        config["common"]["instance_addr"] = "127.0.0.1"
        config["ruler"] |= {"evaluation_interval": "1s", "alertmanager_url": f"http://127.0.0.1:{nobody}"}
    url = f"http://127.0.0.1:{http}"
    with running([need("loki-3.7.8").path, f"-config.file={path}"], tmp_path, lambda: get(f"{url}/ready")):
        push(url)
        yield url


def push(url):
    """Push the lines as Alloy does: service and level as labels."""
    now = time.time_ns() - 5 * 10**9
    streams = [
        {
            "stream": {"service_name": SERVICE, "level": line["level"]},
            "values": [[str(now + number), json.dumps(line), {"trace_id": f"{number:032x}"}]],
        }
        for number, line in enumerate(LINES)
    ]
    headers = {"Content-Type": "application/json"}
    send(Request(f"{url}/loki/api/v1/push", data=json.dumps({"streams": streams}).encode(), headers=headers))


ASKED = [
    (anytel.Lines(level="error"), {"": 3}),
    (anytel.Lines("payment_failed"), {"": 3}),
    (anytel.Lines("payment_*", level="error", by="pay.provider"), {"a": 2, "b": 1}),
    (anytel.Lines("payment_failed", where={"pay.provider": ("b", "c")}), {"": 1}),
    (anytel.Lines(where={"retry": True}), {"": 1}),
    (anytel.Lines(where={"order": (3, 5)}), {"": 3}),
    (anytel.Lines(where={"said": 'no "luck" \\'}), {"": 1}),
    (anytel.Lines(where={"said": "*"}), {"": 1}),
    (anytel.Lines("refund"), {"": 0}),
    (anytel.Lines("refund", by="pay.provider"), {}),
]


def test_lines_are_counted(loki):
    """By event, level and field, whatever is in them; 0 where there are none."""
    for lines, expected in ASKED:
        query = LogQL(SERVICE).expression(lines)

        def asked(query=query, expected=expected):
            found = get_json(f"{loki}/loki/api/v1/query", {"query": query})["data"]["result"]
            values = {one["metric"].get("pay_provider", ""): int(one["value"][1]) for one in found}
            return values == expected

        assert await_value(asked), query


def test_the_ruler_alerts(loki):
    """Where the condition holds, with the text; where it holds without a line, too; and nowhere else."""

    def alerts():
        found = get_json(f"{loki}/prometheus/api/v1/alerts")["data"]["alerts"]
        return {one["labels"]["alertname"]: one for one in found if one["state"] == "firing"}

    await_value(lambda: {"Payments", "Silent"} <= alerts().keys())
    found = alerts()
    assert found.keys() == {"Payments", "Silent"}
    assert found["Payments"]["annotations"] == {
        "summary": "Payments: pay.provider a",
        "description": "2 payments failed at a",
    }
    assert found["Payments"]["labels"]["severity"] == "critical"
