"""The configurations of docs/how-to-ship-logs.md, run by the programs that they are for."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from anytel.testing.receivers.http import Answer, HttpReceiver, Request
from docs.pages import DOCS, blocks
from real.processes import need, running

PAGE = DOCS / "how-to-ship-logs.md"
SERVICE = """
import sys
import anytel

anytel.configure(service="shop", environment="prod", version="1.4.0", backends="memory", log_format="json")
log = anytel.get_logger("shop")
for request in sys.stdin:
    with anytel.span("checkout"):
        log.info("order_placed", order=int(request), user={"id": 7})
        log.warning("stock_low")
        log.critical("warehouse_down")
    try:
        raise ValueError("declined")
    except ValueError:
        log.exception("payment_failed")
    print("answered", file=sys.stderr, flush=True)
"""


class Service:
    """A process that writes lines to the end of a file, four for each request."""

    def __init__(self, path: Path) -> None:
        with path.open("a") as output:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVICE], stdin=pipe, stdout=output, stderr=pipe, text=True
            )

    def ask(self, order: int) -> None:
        print(order, file=self.process.stdin, flush=True)
        assert self.process.stderr.readline() == "answered\n"


@pytest.fixture
def service(tmp_path):
    """Run a service that appends to ``shop.log``."""
    running = Service(tmp_path / "shop.log")
    yield running
    running.process.communicate(timeout=20)


class Otlp(HttpReceiver):
    """Takes OTLP's JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = []

    def received(self, request: Request) -> Answer | None:
        assert request.path == "/otlp/v1/logs"
        for resource in json.loads(request.body)["resourceLogs"]:
            for scope in resource["scopeLogs"]:
                of = _plain(resource["resource"]["attributes"])
                self.logs += [(of, scope["scope"], record) for record in scope["logRecords"]]
        return None


def _plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["key"]: _value(one["value"]) for one in attributes}


def _value(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "kvlistValue":
        return _plain(content["values"])
    return int(content) if kind == "intValue" else content


@pytest.mark.go
def test_a_collector_reads_the_lines_with_the_configuration_of_the_page(service, tmp_path):
    """Time, severity, ids, scope and resource are where OTLP has them, and nothing stands there twice."""
    tool = need("otelcol-0.165.0")
    service.ask(4711)
    lines = [json.loads(line) for line in (tmp_path / "shop.log").read_text().splitlines()]
    (configuration,) = (block for block in blocks(PAGE, "yaml") if "filelog" in block)
    with Otlp() as loki:
        configuration = configuration.replace("/var/log/shop/*.log]", f"{tmp_path}/*.log]\n    start_at: beginning")
        plain = f"{loki.url}/otlp\n    encoding: json\n    compression: none"
        configuration = configuration.replace("http://loki:3100/otlp", plain)
        quiet = "service:\n  telemetry: {metrics: {level: none}}\n"
        folder = tmp_path / "collector"  # whose own log is not to be read
        folder.mkdir()
        (folder / "otelcol.yaml").write_text(configuration.replace("service:\n  pip", f"{quiet}  pip"))
        with running([tool.path, "--config", "otelcol.yaml"], folder, lambda: len(loki.logs) >= len(lines)):
            pass

    assert len(loki.logs) == len(lines) == 4
    for line, (resource, scope, record) in zip(lines, loki.logs, strict=True):
        assert resource == {
            "service.name": "shop",
            "deployment.environment.name": "prod",
            "service.version": "1.4.0",
        }
        assert scope["name"] == line["logger"] == "shop"
        assert record["body"] == {"stringValue": line["event"]}
        assert (record.get("traceId", ""), record.get("spanId", "")) == (
            line.get("trace_id", ""),
            line.get("span_id", ""),
        )
        attributes = _plain(record["attributes"])
        assert attributes.pop("log.file.name") == "shop.log"
        own = {"timestamp", "level", "event", "logger", "service", "environment", "version"}
        ids = {"trace_id", "span_id", "dd.trace_id", "dd.span_id"}
        assert attributes == {name: value for name, value in line.items() if name not in own | ids}
    severities = [(record["severityNumber"], record["severityText"]) for _, _, record in loki.logs]
    assert severities == [(9, "info"), (13, "warning"), (21, "critical"), (17, "error")]
    seconds = [int(record["timeUnixNano"]) // 1_000 for _, _, record in loki.logs]
    assert seconds == [_microseconds(line["timestamp"]) for line in lines]


def _microseconds(timestamp: str) -> int:
    moment = datetime.fromisoformat(timestamp)
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def test_logrotate_rotates_the_file_of_a_service_that_goes_on_writing(service, tmp_path):
    """With the configuration of the page, no line is lost between two requests, and none is cut."""
    tool = need("logrotate-debian")
    libraries = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, tool.folder.glob("**/*-linux-gnu")))}
    (configuration,) = blocks(PAGE, "logrotate")
    owner = "" if os.geteuid() else "    su root root\n"
    (tmp_path / "rotate.conf").write_text(
        configuration.replace("/var/log/shop/", f"{tmp_path}/").replace("    daily\n", f"    daily\n{owner}")
    )
    for number in range(3):
        service.ask(number)
        rotate = [tool.path, "--force", "--state", tmp_path / "state", tmp_path / "rotate.conf"]
        done = subprocess.run(rotate, check=False, capture_output=True, text=True, env=libraries)
        assert done.returncode == 0, done.stderr
    service.ask(3)

    files = [
        (tmp_path / "shop.log").read_bytes(),
        (tmp_path / "shop.log.1").read_bytes(),
        *(gzip.decompress((tmp_path / f"shop.log.{number}.gz").read_bytes()) for number in (2, 3)),
    ]
    orders = [[json.loads(line).get("order") for line in file.decode().splitlines()] for file in files]
    assert orders == [[number, None, None, None] for number in (3, 2, 1, 0)]
