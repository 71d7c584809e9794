"""Spotlight, Sentry's own development server, shows what was recorded: errors, spans, logs and metrics."""

import time

import pytest

import anytel


def values(attributes):
    """Give the attributes of an item without their types."""
    return {name: each["value"] for name, each in attributes.items()}


def by_name(spans):
    return {span["name"]: span for span in spans}


def order():
    """Record one trace: three spans with an error in the innermost, a log line in each and all kinds of metrics."""
    log = anytel.get_logger("shop")
    attributes = {"http.request.method": "POST", "http.route": "/orders", "items": 3, "express": True, "weight": 1.5}
    with anytel.span("POST /orders", kind="server", attributes=attributes) as root:
        log.info("order_received", items=3)
        anytel.count("orders", 2, tags={"channel": "web"})
        anytel.gauge("queue.depth", 12)
        anytel.distribution("payment.time", 0.25, unit="s", tags={"provider": "visa"})
        anytel.histogram("payload.size", 2048, unit="By")
        for user in ("u1", "u2", "u1"):
            anytel.set("users.active", user)
        with anytel.span("pay", attributes={"list": ["a", "b"]}) as pay:
            pay.event("retry", {"attempt": 2})
            try:
                with anytel.span("charge", links=[root]) as charge:
                    log.warning("card_declined", code=51)
                    raise ValueError("declined")
            except ValueError as exc:
                anytel.capture_exception(exc)
    return root, pay, charge


@pytest.fixture
def received(sentry, configured, delivered):
    """Give the spans of one order, and what Spotlight has received."""
    before = time.time()
    configured("sentry", SENTRY_DSN=sentry.dsn)
    spans = order()
    delivered()
    return spans, sentry.received(), (before, time.time())


def test_spans_have_their_ids_parents_times_and_attributes(received):
    """The tree, the statuses and every attribute are those that were recorded."""
    (root, pay, charge), shown, (before, after) = received

    spans = by_name(shown.of("span"))

    assert {(one["trace_id"], one["span_id"]) for one in spans.values()} == {
        (root.trace_id, one.span_id) for one in (root, pay, charge)
    }
    assert "parent_span_id" not in spans["POST /orders"]
    assert spans["pay"]["parent_span_id"] == root.span_id
    assert spans["charge"]["parent_span_id"] == pay.span_id
    assert {name: one["status"] for name, one in spans.items()} == {
        "POST /orders": "ok",
        "pay": "ok",
        "charge": "error",
    }
    assert all(before <= one["start_timestamp"] <= one["end_timestamp"] <= after for one in spans.values())
    assert [link["span_id"] for link in spans["charge"]["links"]] == [root.span_id]
    assert values(spans["POST /orders"]["attributes"]).items() >= {
        ("items", 3),
        ("express", True),
        ("weight", 1.5),
        ("sentry.op", "http.server"),
        ("sentry.release", "shop@1.4.0"),
        ("sentry.environment", "test"),
        ("service.name", "shop"),
    }
    assert values(spans["pay"]["attributes"])["list"] == ["a", "b"]


def test_an_error_is_one_event_within_its_span(received):
    """The exception is reported once, with the ids of the span that it left first and the log lines before it."""
    (root, _, charge), shown, _ = received

    (event,) = shown.of("event")

    (exception,) = event["exception"]["values"]
    assert (exception["type"], exception["value"]) == ("ValueError", "declined")
    assert exception["stacktrace"]["frames"][-1]["function"] == "order"
    assert event["contexts"]["trace"].items() >= {("trace_id", root.trace_id), ("span_id", charge.span_id)}
    assert event["transaction"] == "POST /orders"
    assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == ["order_received", "card_declined"]


def test_log_lines_have_the_ids_of_their_spans(received):
    """Body, level, attributes and ids are those of the log events."""
    (root, _, charge), shown, _ = received

    logs = shown.of("log")

    assert [(one["body"], one["level"], one["trace_id"], one["span_id"]) for one in logs] == [
        ("order_received", "info", root.trace_id, root.span_id),
        ("card_declined", "warn", root.trace_id, charge.span_id),
    ]
    assert [values(one["attributes"])["logger.name"] for one in logs] == ["shop", "shop"]
    assert values(logs[0]["attributes"])["items"] == 3
    assert values(logs[1]["attributes"])["code"] == 51


def test_metrics_have_their_types_values_units_and_tags(received):
    """Each kind is what Sentry has for it."""
    _, shown, _ = received

    metrics = {one["name"]: (one["type"], one["value"], one.get("unit")) for one in shown.of("trace_metric")}

    assert metrics == {
        "orders": ("counter", 2, None),
        "queue.depth": ("gauge", 12, None),
        "payment.time": ("distribution", 0.25, "second"),
        "payload.size": ("distribution", 2048, "byte"),
        "users.active": ("gauge", 2, None),
    }
    (orders,) = (one for one in shown.of("trace_metric") if one["name"] == "orders")
    assert values(orders["attributes"])["channel"] == "web"


def test_nothing_else_is_sent(received):
    """One run leaves exactly its spans, event, log lines and metrics: nothing twice, and no item of another type."""
    _, shown, _ = received

    kinds = [kind for kind, _ in shown.items]

    assert {kind: kinds.count(kind) for kind in kinds} == {"span": 3, "event": 1, "log": 2, "trace_metric": 5}


def test_transactions_hold_the_same_tree(sentry, configured, delivered):
    """For servers that know no span items, the local trace is one transaction with the same ids and parents."""
    configured("sentry", SENTRY_DSN=sentry.dsn, TELEMETRY_SENTRY_SPANS="transactions")
    root, pay, charge = order()
    delivered()

    shown = sentry.received()

    (transaction,) = shown.of("transaction")
    trace = transaction["contexts"]["trace"]
    children = {span["description"]: (span["span_id"], span["parent_span_id"]) for span in transaction["spans"]}
    assert shown.of("span") == []
    assert transaction["transaction"] == "POST /orders"
    assert (trace["trace_id"], trace["span_id"], trace["op"]) == (root.trace_id, root.span_id, "http.server")
    assert children == {"pay": (pay.span_id, root.span_id), "charge": (charge.span_id, pay.span_id)}
    assert {span["trace_id"] for span in transaction["spans"]} == {root.trace_id}


def test_of_a_trace_that_is_not_kept_only_the_error_arrives(sentry, configured, delivered):
    """The decision drops spans; the error report is sent all the same, with the ids of the dropped span."""
    configured("sentry", SENTRY_DSN=sentry.dsn, TELEMETRY_SAMPLE_RATE="0")
    *_, charge = order()
    delivered()

    shown = sentry.received()

    (event,) = shown.of("event")
    assert shown.of("span") == []
    assert event["contexts"]["trace"]["span_id"] == charge.span_id
