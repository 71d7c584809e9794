"""A server's own messages and its access log as our lines, however uvicorn is started."""

import json
import logging
import logging.config

import pytest
import uvicorn.config

import anytel
from anytel.logs import Handler, capture
from anytel.logs.capture.uvicorn import access
from logs.service import get, serving

APP = """
import anytel, uvicorn
from anytel.fastapi import instrument
from anytel.logs import capture
from fastapi import FastAPI

anytel.configure(service="shop", backends="memory", log_format="json")
app = FastAPI()
instrument(app)
capture.serve()

@app.get("/orders/{order}")
def orders(order: int):
    anytel.get_logger("shop").info("looked_up", order=order)
    return {}

@app.get("/broken")
def broken():
    raise RuntimeError("it broke")

if __name__ == "__main__":
    uvicorn.run(app, port=0)
"""
COMMAND_LINE = ["-m", "uvicorn", "app:app", "--port", "0"]


@pytest.fixture
def serve(tmp_path):
    """Give a context in which the service runs; it gives the address, and the lines that it has written."""
    return lambda *arguments: serving(tmp_path, APP, *arguments)


@pytest.mark.parametrize("started", [COMMAND_LINE, ["app.py"]], ids=["command line", "uvicorn.run"])
def test_every_line_of_a_server_is_one_of_ours(serve, started):
    """The first and the last too."""
    with serve(*started) as (url, lines):
        assert get(f"{url}/orders/3?page=2&token=hunter2") == 200
    events = [line["event"] for line in lines]
    assert events[0].startswith("Started server process")
    assert "Application startup complete." in events
    assert events[-1].startswith("Finished server process")
    assert {line["service"] for line in lines} == {"shop"}
    requested = [line["event"] for line in lines if "trace_id" in line]
    assert sorted(requested) == ["http_access", "looked_up", "request_completed", "request_started"]
    assert len({line["trace_id"] for line in lines if "trace_id" in line}) == 1


def test_a_line_of_the_access_log_has_values(serve):
    """The query too, so that redaction can look into it."""
    with serve(*COMMAND_LINE) as (url, lines):
        get(f"{url}/orders/3?page=2&token=hunter2")
    (line,) = [line for line in lines if line["event"] == "http_access"]
    assert (line["method"], line["path"], line["status"], line["http_version"]) == ("GET", "/orders/3", 200, "1.1")
    assert line["query"] == {"page": "2", "token": "[redacted]"}
    assert line["client"].startswith("127.0.0.1:")
    assert line["logger"] == "uvicorn.access"


def test_an_access_log_that_is_switched_off_stays_off(serve):
    """The lines of the request are ours then."""
    with serve(*COMMAND_LINE, "--no-access-log") as (url, lines):
        get(f"{url}/orders/3")
    assert "http_access" not in [line["event"] for line in lines]
    assert "request_completed" in [line["event"] for line in lines]


def test_an_exception_of_the_application_has_one_report(serve):
    """The server logs it once more."""
    with serve(*COMMAND_LINE) as (url, lines):
        assert get(f"{url}/broken") == 500
    (line,) = [line for line in lines if "exception.type" in line]
    assert line["logger"] == "uvicorn.error"
    assert line["exception.message"] == "it broke"


# In this process


@pytest.fixture(autouse=True)
def left_as_found():
    """Leave uvicorn's loggers as in a new process."""
    yield
    capture.stop()
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.NOTSET)


def handlers(name):
    return [type(one) for one in logging.getLogger(name).handlers]


def test_the_handlers_of_uvicorn_are_exchanged_and_put_back(memory):
    """Those there are, and those that it would make from its defaults."""
    before = json.dumps(uvicorn.config.LOGGING_CONFIG)
    uvicorn.Config(app=None)
    capture.serve()
    capture.serve()
    assert handlers("uvicorn") == handlers("uvicorn.access") == [Handler]
    uvicorn.Config(app=None)
    assert handlers("uvicorn") == handlers("uvicorn.access") == [Handler]
    capture.stop()
    assert json.dumps(uvicorn.config.LOGGING_CONFIG) == before
    uvicorn.Config(app=None)
    capture.serve()
    capture.stop()
    assert handlers("uvicorn") == handlers("uvicorn.access") == [logging.StreamHandler]
    assert logging.getLogger("uvicorn.access").filters == []


def test_handlers_of_the_application_s_own_configuration_stay(memory):
    """They keep working, and show what they showed."""
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"own": {"class": "logging.StreamHandler"}},
        "loggers": {"uvicorn": {"handlers": ["own"], "propagate": False}},
    }
    uvicorn.Config(app=None, log_config=config)
    capture.serve()
    assert handlers("uvicorn") == [logging.StreamHandler]


def test_where_nothing_is_to_be_captured_uvicorn_is_left_alone(memory):
    """As all of logging is."""
    capture.start(False, "info")
    uvicorn.Config(app=None)
    capture.serve()
    assert handlers("uvicorn") == [logging.StreamHandler]


def test_a_record_that_is_no_request_stays_as_it_is():
    """Whatever a later uvicorn may log there."""
    record = logging.makeLogRecord({"msg": "rotated %s", "args": ("it",)})
    before = dict(vars(record))
    assert access(record)
    assert vars(record) == before


def test_what_a_handler_of_the_application_shows_of_the_access_log_stays(memory):
    """The values are for our line only."""
    record = logging.makeLogRecord({"msg": '%s - "%s %s HTTP/%s" %d', "args": ("c", "GET", "/a?b=1", "1.1", 200)})
    access(record)
    assert record.getMessage() == 'c - "GET /a?b=1 HTTP/1.1" 200'
    assert anytel.stats().refused == {}
