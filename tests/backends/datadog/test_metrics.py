"""What DogStatsD receives for a point."""

import logging
import os
import random
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anytel.testing.receivers.dogstatsd import DogStatsD, Metric, parse
from anytel_datadog import DatadogBackend, naming

CONSTANT = ("service:shop", "env:prod", "version:1.4.0")


@pytest.fixture
def emit(backend, statsd, make):
    """Send points, and give the metrics that arrive."""

    def deliver(*points, lines=None):
        statsd.clear()
        assert backend.metrics(make.batch(*points), make.soon()).delivered == len(points)
        count = len(points) if lines is None else lines
        assert statsd.wait(lambda seen: len(seen.metrics) + len(seen.malformed) >= count)
        return statsd.metrics

    return deliver


@pytest.mark.parametrize("kind", ["count", "gauge"])
@pytest.mark.parametrize(("value", "sent"), [(3, 3), (2.0, 2), (1.5, 1.5), (-1, -1), (1e300, 1e300), (0.1, 0.1)])
def test_a_number_arrives_as_it_was(emit, make, kind, value, sent):
    """One line, with the series' tags and those of the process."""
    [metric] = emit(make.point(kind, "mcp.calls", value, {"endpoint": "revalidate"}))
    assert metric == Metric("mcp.calls", kind, (sent,), tags=("endpoint:revalidate", *CONSTANT))


def test_whole_numbers_are_written_without_a_fraction(emit, statsd, make):
    """1, and not 1.0."""
    emit(make.point("count", "a", 1.0))
    assert statsd.datagrams[0].startswith(b"a:1|c|#")


def test_a_gauge_that_was_not_written_is_sent_again(emit, make):
    """Datadog shows a gap where a gauge is silent."""
    [metric] = emit(make.point("gauge", "queue.depth", 12, fresh=False))
    assert metric.values == (12,)


@pytest.mark.parametrize("kind", ["distribution", "histogram"])
def test_every_sample_is_a_line(emit, make, kind):
    """Values keep their precision; no rate where each sample stands for itself."""
    samples = [0.1, 0.25, 1e-9, 3.0]
    metrics = emit(make.point(kind, "response.time", sum(samples), samples=samples, count=4), lines=4)
    assert [(metric.kind, metric.values, metric.rate) for metric in metrics] == [(kind, (s,), 1.0) for s in samples]


@pytest.mark.parametrize("kind", ["distribution", "histogram"])
def test_samples_that_stand_for_more_carry_their_rate_and_none_is_lost(emit, make, kind):
    """The client would draw lots by the rate; all 50 lines arrive, and stand for the true number."""
    random.seed(1)
    metrics = emit(make.point(kind, "response.time", samples=[0.5] * 50, count=5_000), lines=50)
    assert len(metrics) == 50
    assert {metric.rate for metric in metrics} == {0.01}
    assert sum(1 / metric.rate for metric in metrics) == pytest.approx(5_000)


def test_every_member_of_a_set_is_a_line(emit, make):
    """A colon may stay; what ends a line or a section is escaped, and an empty member is one too."""
    members = ("user:1", "a|b", "a\nb", "", "ä")
    metrics = emit(make.point("set", "unique.fragments", 5, members=members), lines=5)
    assert {metric.values for metric in metrics} == {("user:1",), ("a%7Cb",), ("a%0Ab",), ("%00",), ("ä",)}


def test_names_and_tags_are_made_what_datadog_allows(emit, make):
    """Its rules are applied here, since the client does not know those for names."""
    [metric] = emit(make.point("count", "9 bad|name:x", 1, {"k,1": "a|b\nc", "1st": "x", "empty": ""}))
    assert metric.name == "m_9_bad_name_x"
    assert metric.tags == ("t_1st:x", "empty", "k_1:a_b_c", *CONSTANT)


def test_lines_share_datagrams(emit, statsd, make):
    """No datagram is larger than what passes a network in one piece."""
    emit(*(make.point("count", f"metric.number.{number}") for number in range(100)))
    assert len(statsd.datagrams) < 10
    assert max(map(len, statsd.datagrams)) <= 1_432


def test_the_environments_tags_are_not_doubled(environment, agent, statsd, host, make):
    """DD_ENV and the like give way to what the host knows; the others stay."""
    environment.setenv("DD_ENV", "from-environment")
    environment.setenv("DD_SERVICE", "from-environment")
    environment.setenv("DD_ENTITY_ID", "pod-1")
    environment.setenv("DATADOG_TAGS", "region:eu,team:theirs")
    environment.setenv("DD_TAGS", "team:core rack:7")
    backend = DatadogBackend(agent_url=agent.url, dogstatsd_url=statsd.url)
    backend.open(host)
    backend.metrics(make.batch(make.point("count", "a")), make.soon())
    backend.close(make.soon())
    assert statsd.wait(lambda seen: seen.metrics)
    others = ("region:eu", "dd.internal.entity_id:pod-1", "team:core", "rack:7")
    assert sorted(statsd.metrics[0].tags) == sorted((*CONSTANT, *others))


def test_nothing_but_our_metrics_is_sent(backend, statsd, make):
    """No telemetry of the client's own, over many batches."""
    for _ in range(5):
        backend.metrics(make.batch(make.point("count", "a")), make.soon())
    assert statsd.wait(lambda seen: len(seen.metrics) == 5)
    assert {metric.name for metric in statsd.metrics} == {"a"}
    assert backend.native.packets_sent == 5


def test_a_unix_socket_is_spoken_to(tmp_path, agent, host, make):
    """Datagrams may be larger there."""
    with DogStatsD(tmp_path / "dsd.socket") as statsd:
        backend = DatadogBackend(agent_url=agent.url, dogstatsd_url=statsd.url)
        backend.open(host)
        points = [make.point("count", f"metric.number.{number}") for number in range(500)]
        assert backend.metrics(make.batch(*points), make.soon()).delivered == 500
        assert statsd.wait(lambda seen: len(seen.metrics) == 500)
        backend.close(make.soon())
        assert statsd.malformed == []


def test_what_the_socket_refuses_is_counted_and_not_logged(tmp_path, agent, host, make, caplog):
    """A missing socket loses every point; the client's own warnings, one for each datagram, are kept back."""
    backend = DatadogBackend(agent_url=agent.url, dogstatsd_url=f"unix://{tmp_path}/missing")
    backend.open(host)
    points = [make.point("count", f"metric.number.{number}") for number in range(100)]
    with caplog.at_level(logging.WARNING):
        ack = backend.metrics(make.batch(*points), make.soon())
    backend.close(make.soon())
    assert (ack.delivered, ack.dropped, ack.retry) == (0, {"not_sent": 100}, 0)
    assert caplog.records == []


def test_the_clients_of_the_application_still_speak(tmp_path, backend, caplog):
    """Only what is logged while this backend sends is kept back."""
    from datadog.dogstatsd import DogStatsd

    DogStatsd(socket_path=f"{tmp_path}/missing").increment("theirs")
    assert [record.name for record in caplog.records] == ["datadog.dogstatsd"]


def test_a_point_lost_in_part_is_lost_and_its_neighbours_are_not(tmp_path, agent, host, make):
    """A datagram that is too large for the socket takes only the points in it along."""
    with DogStatsD(tmp_path / "dsd.socket") as statsd:
        backend = DatadogBackend(agent_url=agent.url, dogstatsd_url=statsd.url)
        backend.open(host)
        huge = make.point("set", "b", members=("x" * 10_000_000, "small"))
        ack = backend.metrics(make.batch(make.point("count", "a"), huge, make.point("count", "c")), make.soon())
        backend.close(make.soon())
        assert (ack.delivered, ack.dropped) == (2, {"not_sent": 1})
        assert statsd.wait(lambda seen: {"a", "c"} <= {metric.name for metric in seen.metrics})


def test_a_client_that_is_switched_off_delivers_nothing(environment, agent, statsd, host, make):
    """DD_DOGSTATSD_DISABLE is the client's own; the account says so."""
    environment.setenv("DD_DOGSTATSD_DISABLE", "true")
    backend = DatadogBackend(agent_url=agent.url, dogstatsd_url=statsd.url)
    backend.open(host)
    ack = backend.metrics(make.batch(make.point("count", "a")), make.soon())
    backend.close(make.soon())
    assert (ack.delivered, ack.dropped) == (0, {"not_sent": 1})


def test_a_full_socket_is_waited_for_until_the_deadline(tmp_path, agent, host, make):
    """Nobody reads: what is not reached by then is offered again, and everything is accounted for."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as silent:
        silent.bind(str(tmp_path / "dsd.socket"))
        backend = DatadogBackend(agent_url=agent.url, dogstatsd_url=f"unix://{tmp_path}/dsd.socket")
        backend.open(host)
        points = [make.point("count", f"metric.number.{number}" + "x" * 150) for number in range(5_000)]
        ack = backend.metrics(make.batch(*points), make.soon(0.3))
        backend.close(make.soon())
    assert ack.retry > 0
    assert ack.delivered + sum(ack.dropped.values()) + ack.retry == 5_000


def test_a_passed_deadline_sends_nothing(backend, make):
    """Everything is offered again."""
    assert backend.metrics(make.batch(make.point("count", "a")), make.soon(-1)).retry == 1
    assert backend.native.packets_sent == 0


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 warns of forks beside threads
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_opens_its_own_sockets(backend, agent, statsd, host, make):
    """Parent and child each deliver their own, once, over connections of their own."""
    backend.metrics(make.batch(make.point("count", "before")), make.soon())
    backend.spans([make.span("before")], make.soon())
    child = os.fork()
    if child == 0:
        code = 1
        try:
            backend.open(host)
            metrics = backend.metrics(make.batch(make.point("count", "child")), make.soon())
            spans = backend.spans([make.span("child")], make.soon())
            code = 0 if (metrics.delivered, spans.delivered) == (1, 1) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    backend.metrics(make.batch(make.point("count", "after")), make.soon())
    backend.spans([make.span("after")], make.soon())
    assert statsd.wait(lambda seen: len(seen.metrics) == 3)
    assert [metric.name for metric in statsd.metrics] == ["before", "child", "after"]
    assert [span["name"] for span in agent.spans] == ["before", "child", "after"]
    parent, forked, again = (span["meta"]["runtime-id"] for span in agent.spans)
    assert parent == again != forked


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 warns of forks beside threads
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_does_not_wait_for_a_datagram_that_is_being_sent(tmp_path, agent, host, make):
    """The client's own fork hooks would: while nobody reads the socket, the application would stand still."""
    backend = DatadogBackend(agent_url=agent.url, dogstatsd_url=f"unix://{tmp_path}/dsd.socket")
    backend.open(host)
    points = [make.point("count", f"metric.number.{number}" + "x" * 150) for number in range(5_000)]
    sender = threading.Thread(target=backend.metrics, args=(make.batch(*points), make.soon(30)))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as slow:
        slow.bind(str(tmp_path / "dsd.socket"))
        sender.start()
        slow.recv(65_536)
        child = os.fork()
        if child == 0:
            os._exit(0)
        assert sender.is_alive()
        os.waitpid(child, 0)
    sender.join()
    backend.close(make.soon())


def test_opening_again_closes_what_was_open(backend, host, make):
    """As a forked child does: no socket and no log filter of before stays behind."""
    backend.metrics(make.batch(make.point("count", "a")), make.soon())
    before, filters = backend.native, list(logging.getLogger("datadog.dogstatsd").filters)
    assert before.socket is not None
    backend.open(host)
    assert before.socket is None
    assert backend.native is not before
    assert len(logging.getLogger("datadog.dogstatsd").filters) == len(filters)


text = st.text(max_size=300)


@settings(max_examples=300, deadline=None)
@given(name=text, tags=st.dictionaries(text, text, max_size=4), member=text)
def test_no_name_tag_or_member_breaks_a_line(name, tags, member):
    """Whatever they are, the line is one metric of the protocol, with as many tags."""
    made = ",".join(naming.tag(key, value) for key, value in tags.items())
    line = f"{naming.metric_name(name)}:{naming.set_member(member)}|s" + (f"|#{made}" if tags else "")
    metric = parse(line.encode())
    assert isinstance(metric, Metric)
    assert len(metric.tags) == len(tags)


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1))
def test_no_number_breaks_a_line(value):
    """Any finite number is written so that it reads back the same."""
    assert parse(f"a:{naming.number(value)}|g".encode()).values == (float(value),)
