"""A FastAPI service and a plain script, in processes of their own: every kind of line at every vendor, decoded."""

import json

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

from anytel.testing.receivers.datadog import DatadogAgent, trace_id_of
from anytel.testing.receivers.dogstatsd import DogStatsD
from anytel.testing.receivers.otlp import OtlpReceiver
from anytel.testing.receivers.sentry import SentryReceiver
from logs.service import get, serving

CONFIGURE = """
import asyncio, decimal, logging, threading, uuid, warnings
import anytel, structlog

anytel.configure(
    service="shop", environment="prod", version="1.4.0", log_format="json", error_tags=("request_id", "tenant"),
    log_processors=[lambda logger, method, event: event | {"added": True}],
)
log = anytel.get_logger("shop")

def every_kind():
    log.info("order_placed", order=4711, price=decimal.Decimal("9.90"), id=uuid.UUID(int=7), password="hunter2")
    logging.getLogger("old").warning("stock of %s is low", "tea")
    structlog.get_logger().info("from_structlog", key=1)
    warnings.warn("old_api is deprecated", DeprecationWarning, stacklevel=2)
    log.error("payment_failed", url="https://user:hunter2@psp.example/pay")
    try:
        raise ValueError(f"card {' '.join(['4111', *['1111'] * 3])} declined")
    except ValueError as exc:
        log.exception("declined")
        anytel.capture_exception(exc)

async def every_kind_async():
    await log.ainfo("in_a_task", order=4711)
"""
SCRIPT = f"""{CONFIGURE}
warnings.simplefilter("always")
with anytel.context(tenant="acme"), anytel.span("job"):
    every_kind()
    asyncio.run(every_kind_async())
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise RuntimeError("it broke")
"""
SERVICE = f"""{CONFIGURE}
import uvicorn
from anytel.fastapi import instrument
from fastapi import FastAPI

app = FastAPI()
instrument(app)

@app.get("/orders/{{order}}")
async def orders(order: int):
    warnings.simplefilter("always")
    with anytel.context(tenant="acme"):
        every_kind()
        await every_kind_async()
    return {{}}

@app.get("/broken")
async def broken():
    raise RuntimeError("it broke")

if __name__ == "__main__":
    uvicorn.run(app, port=0)
"""
EVERY_KIND = {
    "order_placed": ("info", "shop"),
    "stock of tea is low": ("warning", "old"),
    "from_structlog": ("info", ""),
    "old_api is deprecated": ("warning", "py.warnings"),
    "payment_failed": ("error", "shop"),
    "declined": ("error", "shop"),
    "in_a_task": ("info", "shop"),
}


@pytest.fixture
def vendors():
    """Run the vendors' receivers; gives the settings that point at them too."""
    with SentryReceiver() as sentry, DatadogAgent() as agent, DogStatsD() as statsd, OtlpReceiver() as otlp:
        settings = {"TELEMETRY_BACKENDS": "sentry,datadog,otlp", "SENTRY_DSN": sentry.dsn}
        settings |= {"DD_TRACE_AGENT_URL": agent.url, "DD_DOGSTATSD_URL": statsd.url}
        yield sentry, agent, otlp, settings | {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp.url}


SEVERITIES = {"info": SeverityNumber.SEVERITY_NUMBER_INFO, "warning": SeverityNumber.SEVERITY_NUMBER_WARN}


def check_every_kind(lines, sentry, agent, otlp, root):
    """Check the lines of `every_kind` within the span *root*, and what the vendors have of them."""
    ours = [line for line in lines if line["event"] in EVERY_KIND]
    assert {line["event"]: (line["level"], line["logger"]) for line in ours} == EVERY_KIND
    assert len(ours) == len(EVERY_KIND), "each line comes out once"
    (chunk,) = [trace for trace in agent.traces if trace[0]["resource"] == root]
    (span,) = [span for span in sentry.spans if span.name == root]
    logs = {log.body: log for log in sentry.logs}
    records = {record.body: record for record in otlp.logs if record.body in EVERY_KIND}
    for line in ours:
        assert (line["service"], line["environment"], line["version"]) == ("shop", "prod", "1.4.0")
        assert (line["tenant"], line["added"]) == ("acme", True)
        assert line["timestamp"].endswith("Z")
        # Datadog's Agent reads the line: its ids are those of the span that it has.
        assert line["dd.trace_id"] == f"{trace_id_of(chunk):032x}" == line["trace_id"] == span.trace_id
        assert line["dd.span_id"] == str(chunk[0]["span_id"])
        assert int(line["dd.span_id"]) == int(line["span_id"], 16) == int(span.span_id, 16)
        log = logs[line["event"]]
        assert (log.trace_id, log.span_id) == (span.trace_id, span.span_id)
        assert log.level == {"warning": "warn"}.get(line["level"], line["level"])
        assert log.attributes["tenant"] == "acme"
        record = records[line["event"]]
        assert (record.trace_id, record.span_id, record.service) == (span.trace_id, span.span_id, "shop")
        assert record.wire.severity_number == SEVERITIES.get(line["level"], SeverityNumber.SEVERITY_NUMBER_ERROR)
        assert record.attributes["tenant"] == "acme"
    placed = next(line for line in ours if line["event"] == "order_placed")
    assert {name: placed[name] for name in ("order", "price", "id", "password")} == {
        "order": 4711,
        "price": "9.90",
        "id": "00000000-0000-0000-0000-000000000007",
        "password": "[redacted]",
    }
    assert logs["order_placed"].attributes["password"] == "[redacted]"
    assert logs["order_placed"].attributes["order"] == 4711
    assert {name: records["order_placed"].attributes[name] for name in ("order", "password")} == {
        "order": 4711,
        "password": "[redacted]",
    }


def issues(sentry):
    """Give Sentry's events by what they are about."""
    return {
        (event["exception"]["values"][-1]["value"] if "exception" in event else event["message"]): event
        for event in sentry.events
    }


def check_issues(sentry, trace_id):
    """Check the two reports of `every_kind`."""
    found = issues(sentry)
    assert len(found) == len(sentry.events), "each is reported once"
    failed, declined = found["payment_failed"], found["card [redacted] declined"]
    for event in (failed, declined):
        assert event["contexts"]["trace"]["trace_id"] == trace_id
        assert event["tags"]["tenant"] == "acme"
        assert "order_placed" in [crumb["message"] for crumb in event["breadcrumbs"]["values"]]
    assert failed["fingerprint"] == ["{{ default }}", "payment_failed"]
    assert failed["contexts"]["anytel"]["url"] == "https://[redacted]@psp.example/pay"


def test_a_plain_script(run_python, vendors):
    """Also what nobody caught, of a thread and of the main one."""
    sentry, agent, otlp, settings = vendors
    done = run_python(SCRIPT, status=1, **settings)
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    check_every_kind(lines, sentry, agent, otlp, "job")
    check_issues(sentry, sentry.spans[0].trace_id)
    uncaught = [line["exception.message"] for line in lines if line["event"] == "uncaught_exception"]
    assert uncaught == ["division by zero", "it broke"]
    assert set(issues(sentry)) == {"payment_failed", "card [redacted] declined", *uncaught}
    for secret in ("hunter2", "4111 1111"):
        assert secret not in done.stdout
        for event in sentry.events:  # the frames show lines of the script itself
            assert secret not in json.dumps({name: value for name, value in event.items() if name != "exception"})


def test_a_fastapi_service(tmp_path, vendors):
    """Also the server's own lines, and an exception that leaves a request."""
    sentry, agent, otlp, settings = vendors
    with serving(tmp_path, SERVICE, "app.py", **settings) as (url, lines):
        assert get(f"{url}/orders/3") == 200
        assert get(f"{url}/broken") == 500

    check_every_kind(lines, sentry, agent, otlp, "GET /orders/{order}")
    (order,) = [span for span in sentry.spans if span.name == "GET /orders/{order}"]
    check_issues(sentry, order.trace_id)
    requests = [line for line in lines if line["event"] == "http_access"]
    assert [line["status"] for line in requests] == [200, 500]
    broken = issues(sentry)["it broke"]
    (failed,) = [span for span in sentry.spans if span.name == "GET /broken"]
    assert broken["contexts"]["trace"]["trace_id"] == failed.trace_id
    assert broken["exception"]["values"][-1]["mechanism"]["handled"] is False
