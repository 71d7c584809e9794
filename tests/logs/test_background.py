"""Lines written by a thread of their own: in order, none twice, and every lost one is counted and reported."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from anytel.errors import ConfigError
from anytel.logs.background import AsyncRenderer, BackgroundWriter, LineCounts

POLICIES = ("block", "drop_oldest", "drop_newest")


class Sink:
    """Collects what is written; every write waits until the gate is open."""

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.blocked = threading.Event()
        self.text = ""
        self.writes = 0

    def __call__(self, text):
        if not self.gate.is_set():
            self.blocked.set()
            assert self.gate.wait(30)
        self.text += text
        self.writes += 1

    @property
    def events(self):
        assert self.text == "" or self.text.endswith("\n")
        return [json.loads(line) for line in self.text.splitlines()]

    def numbers(self, thread=None):
        return [one["n"] for one in self.events if "n" in one and (thread is None or one["thread"] == thread)]

    def reports(self):
        return [one for one in self.events if one["event"] == "log_lines_dropped"]


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def writer(sink):
    """Make writers of JSON lines to the sink, that are ended after the test."""
    made = []

    def make(render=json.dumps, write=sink, **options):
        made.append(BackgroundWriter(render, write, **options))
        return made[-1]

    yield make
    sink.gate.set()
    for one in made:
        one.close(10)


@pytest.fixture
def log(sink):
    """Give a structlog logger as an application would configure it, with an asynchronous last processor."""
    made = []

    def make(renderer=None, **options):
        made.append(AsyncRenderer(renderer, **{"write": sink, **options}))
        processors = [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, made[-1]]
        return structlog.wrap_logger(None, processors, structlog.make_filtering_bound_logger(0)), made[-1]

    yield make
    sink.gate.set()
    for one in made:
        one.close(10)


def block(writer, sink):
    """Have the thread of *writer* wait in the sink with the line -1."""
    sink.gate.clear()
    writer.put({"event": "first", "n": -1})
    assert sink.blocked.wait(10)


def all_started(threads):
    for thread in threads:
        thread.start()
    return threads


# Order and accounts


@pytest.mark.parametrize("limit", [1, 7, 10_000])
def test_the_lines_of_each_thread_come_whole_and_in_order(writer, sink, limit):
    """Eight threads, also through a queue that is nearly always full."""
    one = writer(limit=limit, patience=30)

    def put(thread):
        for n in range(300):
            one.put({"event": "step", "thread": thread, "n": n})

    for thread in all_started([threading.Thread(target=put, args=(number,)) for number in range(8)]):
        thread.join()

    assert one.flush(30)
    assert [sink.numbers(number) for number in range(8)] == [list(range(300))] * 8
    assert one.stats() == LineCounts(2400, {}, 0)


def test_lines_are_written_many_at_once(writer, sink):
    """A batch is one call of the sink."""
    one = writer()
    block(one, sink)
    for n in range(1000):
        one.put({"event": "step", "n": n})
    sink.gate.set()
    assert one.flush(30)
    assert sink.numbers() == list(range(-1, 1000))
    assert sink.writes < 10


@pytest.mark.parametrize(("policy", "kept"), [("drop_oldest", range(15, 20)), ("drop_newest", range(5))])
def test_a_full_queue_loses_the_lines_that_the_policy_says(writer, sink, policy, kept):
    """The caller does not wait, and the loss is counted and reported where it happened."""
    one = writer(when_full=policy, limit=5)
    block(one, sink)
    for n in range(20):
        one.put({"event": "step", "n": n})
    assert one.stats() == LineCounts(0, {"queue_full": 15}, 6)

    sink.gate.set()

    assert not one.flush(30)  # since lines were lost
    assert one.close(30)
    assert sink.numbers() == [-1, *kept]
    assert one.stats() == LineCounts(6, {"queue_full": 15}, 0)
    (report,) = sink.reports()
    assert (report["count"], report["reason"], report["level"]) == (15, "queue_full", "warning")


def test_a_caller_waits_for_room_where_none_may_be_lost(writer, sink):
    """With the policy block; it goes on as soon as there is room."""
    one = writer(limit=2, patience=30)
    block(one, sink)
    one.put({"event": "step", "n": 0})
    one.put({"event": "step", "n": 1})
    caller = threading.Thread(target=one.put, args=({"event": "step", "n": 2},))
    caller.start()
    caller.join(0.2)
    assert caller.is_alive()

    sink.gate.set()

    caller.join(10)
    assert not caller.is_alive()
    assert one.flush(30)
    assert sink.numbers() == [-1, 0, 1, 2]


def test_a_dead_sink_holds_up_a_caller_once(writer, sink):
    """After one wait in vain, lines are lost at once, and are reported when the sink is back."""
    one = writer(limit=1, patience=0.05)
    block(one, sink)
    one.put({"event": "step", "n": 0})
    one.put({"event": "step", "n": 1})  # waits in vain
    one._patience = 1000.0
    for n in range(2, 50):
        one.put({"event": "step", "n": n})
    assert one.stats().dropped == {"queue_full": 49}

    sink.gate.set()

    assert not one.close(30)  # since lines were lost
    assert sink.numbers() == [-1, 0]
    assert sum(report["count"] for report in sink.reports()) == 49


def test_losses_are_reported_at_most_once_a_second(writer, sink):
    """However many there are, and again at the end, so that the sum is right."""
    one = writer(when_full="drop_newest", limit=1)
    lost = 0
    started = time.monotonic()
    for _ in range(50):
        sink.blocked.clear()
        block(one, sink)
        for _ in range(3):
            one.put({"event": "step", "n": 0})
        lost += 2
        sink.gate.set()
        one.flush(30)
    one.close(30)
    elapsed = time.monotonic() - started
    assert sum(report["count"] for report in sink.reports()) == lost == one.stats().dropped["queue_full"]
    assert len(sink.reports()) <= elapsed + 2


def test_a_loss_is_reported_though_nothing_more_is_logged(writer, sink):
    """The thread wakes up for it when the second is over."""
    twice = threading.Event()

    def write(text):
        sink(text)
        if len(sink.reports()) == 2:
            twice.set()

    one = writer(write=write, when_full="drop_newest", limit=1)
    for _ in range(2):
        sink.blocked.clear()
        block(one, sink)
        for _ in range(3):
            one.put({"event": "step", "n": 0})
        sink.gate.set()
        one.flush(30)
    assert twice.wait(10)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_account_adds_up_under_load(writer, sink, policy):
    """Every line given is written or lost, and the reports say how many were."""
    one = writer(when_full=policy, limit=20, patience=0.001)

    def put():
        for n in range(500):
            one.put({"event": "step", "n": n})
            if n % 100 == 0:
                (sink.gate.clear if n % 200 else sink.gate.set)()

    for thread in all_started([threading.Thread(target=put) for _ in range(4)]):
        thread.join()
    sink.gate.set()
    one.close(30)
    stats = one.stats()
    assert stats.written + sum(stats.dropped.values()) == 2000
    assert stats.waiting == 0
    assert len(sink.numbers()) == stats.written
    assert sum(report["count"] for report in sink.reports()) == sum(stats.dropped.values())


# flush and close


def test_flush_says_that_it_was_too_slow(writer, sink):
    """And the lines are written later all the same."""
    one = writer()
    block(one, sink)
    assert not one.flush(0.05)
    sink.gate.set()
    assert one.flush(30)
    assert sink.numbers() == [-1]


def test_flush_does_not_wait_for_later_lines(writer, sink):
    """What is put while it waits is the affair of the next one."""
    slow = threading.Event()
    one = None

    def write(text):
        sink(text)
        if not slow.is_set():
            other = threading.Thread(target=lambda: one.put({"event": "later", "n": 1}))
            other.start()
            other.join()

    one = writer(write=write)
    one.put({"event": "step", "n": 0})
    try:
        assert one.flush(30)  # would never end: each write brings a line
    finally:
        slow.set()


def test_close_writes_what_waits_and_ends_the_thread(writer, sink):
    """Later lines are written at once by whoever logs them."""
    one = writer()
    for n in range(100):
        one.put({"event": "step", "n": n})
    assert one.close(30)
    assert one.close(30)
    one.put({"event": "step", "n": 100})
    assert sink.numbers() == list(range(101))
    assert one.stats() == LineCounts(101, {}, 0)


def test_close_gives_up_on_a_dead_sink(writer, sink):
    """What waits is lost and counted, and a later line does not wait either."""
    one = writer()
    block(one, sink)
    for n in range(10):
        one.put({"event": "step", "n": n})
    assert not one.close(0.05)
    one._patience = 1000.0
    one.put({"event": "step", "n": 10})
    assert one.stats() == LineCounts(0, {"closed": 11}, 1)
    sink.gate.set()


def test_a_line_of_the_sink_s_own_is_written_at_once(writer, sink):
    """A sink that logs neither waits for itself nor for ever."""
    one = None

    def write(text):
        one.put({"event": "within", "n": -5})
        sink(text)

    one = writer(write=write, limit=1)
    one.put({"event": "step", "n": 0})
    assert not one.flush(30)  # the line of the line's own line was lost
    assert sink.numbers() == [-5, 0]
    assert one.stats() == LineCounts(2, {"recursion": 1}, 0)


def test_the_renderer_may_log(writer, sink):
    """As a value's own method may."""
    one = None

    def render(event):
        if event["n"] == 0:
            one.put({"event": "within", "n": -5})
        return json.dumps(event)

    one = writer(render, limit=1)
    one.put({"event": "step", "n": 0})
    assert one.flush(30)
    assert sink.numbers() == [-5, 0]


def test_nothing_that_is_raised_on_the_thread_ends_it(writer, sink):
    """Not even what is meant to end the process."""

    def render(event):
        if event["n"] == 0:
            raise KeyboardInterrupt
        return json.dumps(event)

    one = writer(render)
    one.put({"event": "step", "n": 0})
    assert not one.flush(30)
    one.put({"event": "step", "n": 1})
    assert one.flush(30)
    assert sink.numbers() == [1]
    assert one.stats() == LineCounts(1, {"write_failed": 1}, 0)


def test_a_signal_handler_may_log(writer):
    """While the interrupted thread is inside the writer itself, also where that starts its thread."""
    for attempt in range(150):
        sink = Sink()
        one = writer(write=sink, limit=5, patience=30)
        with interrupted(
            lambda one=one: one.put({"event": "signal", "n": -5}), after=0.00005 + attempt % 20 / 1e5
        ) as done:
            n = 0
            while len(done) < 5:
                one.put({"event": "step", "n": n})
                n += 1
        assert one.close(30)
        assert sorted(sink.numbers()) == [-5] * len(done) + list(range(n))


@contextlib.contextmanager
def interrupted(act, after):
    """Call *act* in a signal handler, every half millisecond from *after* seconds on; gives a list of the calls."""
    done, inside = [], []

    def handle(number, frame):
        if len(inside) > 20:  # on a busy machine they come faster than they return, to the end of Python's stack
            return
        inside.append(number)
        done.append(number)
        act()
        inside.pop()

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, after, 0.0005)
    try:
        yield done
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# Sinks


def test_a_closed_pipe_neither_raises_nor_ends_the_thread(writer):
    """Its lines are lost and counted, and a sink that works again gets the report."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", encoding="utf-8") as stream:
        one = writer(write=stream)
        for n in range(10):
            one.put({"event": "step", "n": n})
        assert not one.flush(30)
        assert one.stats() == LineCounts(0, {"write_failed": 10}, 0)
        assert "anytel-log-writer" in {thread.name for thread in threading.enumerate()}


def test_a_sink_that_works_again_gets_the_report(writer, sink):
    """Of what it refused."""
    broken = [True]

    def write(text):
        if broken:
            raise OSError(28, "No space left on device")
        sink(text)

    one = writer(write=write)
    for n in range(10):
        one.put({"event": "step", "n": n})
    assert not one.flush(30)
    broken.clear()
    one.put({"event": "step", "n": 10})
    assert one.close(30)
    assert sink.numbers() == [10]
    (report,) = sink.reports()
    assert (report["count"], report["reason"]) == (10, "write_failed")


def test_standard_output_is_the_one_of_the_moment(writer, capsys):
    """What pytest or a redirection has put there, not the one at configuration."""
    one = writer(write=None)
    one.put({"event": "first"})
    assert one.flush(30)
    assert capsys.readouterr().out == '{"event": "first"}\n'
    with io.StringIO() as other, contextlib.redirect_stdout(other):
        one.put({"event": "second"})
        assert one.flush(30)
        assert other.getvalue() == '{"event": "second"}\n'
    assert capsys.readouterr().out == ""


def test_without_standard_output_the_lines_are_counted_as_lost(writer, monkeypatch):
    """As under pythonw, or a service that has closed it."""
    monkeypatch.setattr(sys, "stdout", None)
    one = writer(write=None)
    one.put({"event": "step"})
    assert not one.flush(30)
    assert one.stats() == LineCounts(0, {"write_failed": 1}, 0)


def test_lines_keep_their_place_among_what_is_printed(writer, tmp_path):
    """What the application has written to the stream before comes before."""
    path = tmp_path / "out"
    with path.open("w") as stream:
        one = writer(write=stream)
        stream.write("printed\n")
        one.put({"event": "step"})
        assert one.flush(30)
    assert path.read_text() == 'printed\n{"event": "step"}\n'


def test_what_a_stream_cannot_encode_is_escaped(writer, tmp_path):
    """An ASCII stream gets a line with the characters spelt out, and so do lone surrogates."""
    path = tmp_path / "out"
    with path.open("w", encoding="ascii") as stream:
        one = writer(lambda event: event["event"], write=stream)
        one.put({"event": "caf\u00e9 \udc80"})
        assert one.flush(30)
    assert path.read_bytes() == b"caf\\u00e9 \\udc80\n"


def test_a_pipe_gets_whole_lines_in_pieces_that_do_not_mix(writer):
    """Each write is a number of whole lines that POSIX keeps together, or one longer line."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    pieces = []

    def drain():
        while piece := os.read(read, 1 << 20):
            pieces.append(piece)

    reader = threading.Thread(target=drain)
    with os.fdopen(write, "w", encoding="utf-8") as stream:
        one = writer(write=stream)
        for n in range(3000):
            one.put({"event": "step", "n": n, "padding": "\u00e9" * (n % 100), "long": "x" * 5000 * (n == 1500)})
        reader.start()  # until now the pipe was full, and says so, since it does not block
        assert one.flush(30)
        assert one.close(30)
    reader.join(10)
    os.close(read)
    lines = b"".join(pieces).decode().splitlines()
    assert [json.loads(line)["n"] for line in lines] == list(range(3000))


# The processor


def test_it_is_the_last_processor_of_any_structlog_configuration(log, sink):
    """With bound values, and any renderer."""
    logger, renderer = log(structlog.processors.LogfmtRenderer(key_order=["event"]))
    logger.bind(user=1).warning("login", ok=True)
    assert renderer.flush(30)
    assert sink.text == "event=login user=1 ok level=warning\n"
    assert renderer.stats() == LineCounts(1, {}, 0)


def test_a_renderer_that_gives_bytes_is_welcome(log, sink):
    """As JSONRenderer does with orjson."""
    import orjson

    logger, renderer = log(structlog.processors.JSONRenderer(serializer=orjson.dumps))
    logger.info("step", n=1)
    assert renderer.flush(30)
    assert sink.events == [{"event": "step", "n": 1, "level": "info"}]


def test_the_line_shows_the_event_as_it_was_at_the_call(log, sink):
    """What the caller changes afterwards is not in it, down in the containers either."""
    logger, renderer = log()
    sink.gate.clear()
    logger.info("blocks")
    assert sink.blocked.wait(10)
    order = {"items": [1], "tags": {"a"}, "pair": ([1],)}
    cycle = [1]
    cycle.append(cycle)
    logger.info("step", order=order, n=0)
    order["items"].append(2)
    order["pair"][0].append(2)
    order["new"] = True
    sink.gate.set()
    assert renderer.flush(30)
    assert sink.events[1]["order"] == {"items": [1], "tags": "{'a'}", "pair": [[1]]}


def test_an_exception_is_the_one_that_the_caller_handles(log, sink):
    """Though it is rendered where none is being handled."""
    logger, renderer = log(structlog.dev.ConsoleRenderer(colors=False))
    try:
        raise ValueError("broken")
    except ValueError:
        logger.error("failed", exc_info=True)
    assert renderer.flush(30)
    assert "ValueError: broken" in sink.text


class Hostile:
    """Raises, even what is no Exception, whatever is asked of it."""

    def __init__(self, raised):
        self.raised = raised

    def __repr__(self):
        raise self.raised

    __str__ = __eq__ = __hash__ = __bool__ = __len__ = __iter__ = __repr__


@pytest.mark.parametrize("raised", [ValueError("\udc80"), RecursionError(), SystemExit(3), GeneratorExit()], ids=repr)
@pytest.mark.parametrize("renderer", [structlog.processors.JSONRenderer(), structlog.processors.KeyValueRenderer()])
def test_a_hostile_value_costs_neither_its_line_nor_the_next(log, sink, renderer, raised):
    """Whatever its methods raise."""
    logger, renderer = log(renderer)
    logger.info("hostile", value=Hostile(raised), exc_info=Hostile(raised))
    logger.info("next")
    assert renderer.flush(30)
    assert renderer.stats() == LineCounts(2, {}, 0)
    first, second = sink.text.splitlines()
    assert "hostile" in first or "log_line_unrendered" in first
    assert "next" in second


def test_what_a_renderer_refuses_is_rendered_as_text(log, sink):
    """The line keeps its values and says what went wrong."""
    logger, renderer = log(lambda _, __, event: json.dumps(event, sort_keys=True))
    logger.info("step", value=object, n=1)
    assert renderer.flush(30)
    (event,) = sink.events
    assert (event["event"], event["n"], event["value"]) == ("step", 1, "<class 'object'>")
    assert "not JSON serializable" in event["log_error"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(object),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner) | st.frozensets(st.integers()),
    max_leaves=10,
)


@settings(max_examples=100, deadline=None)
@given(events=st.lists(st.dictionaries(st.text(max_size=5), VALUES), min_size=1, max_size=20))
def test_any_events_give_as_many_parseable_lines(events):
    """Whatever is in them."""
    sink = Sink()
    renderer = AsyncRenderer(write=sink)
    for event in events:
        with pytest.raises(structlog.DropEvent):
            renderer(None, "info", {**event, "event": "step"})
    assert renderer.close(30)
    assert [one["event"] for one in sink.events] == ["step"] * len(events)


@pytest.mark.parametrize(("options", "problem"), [({"when_full": "spill"}, "drop_oldest"), ({"limit": 0}, "1 or more")])
def test_what_cannot_be_used_is_refused(options, problem):
    """Where it is configured, with what to do."""
    with pytest.raises(ConfigError, match=problem):
        AsyncRenderer(**options)


# Processes

PROLOGUE = """
import json, os, signal, sys, threading, time
from anytel.logs.background import BackgroundWriter, flush_on_signals
def put(writer, name, count=100):
    for n in range(count):
        writer.put({"name": name, "n": n})
"""


def run(script, *, expect=0, **options):
    """Run a script in a process of its own, and give the lines it wrote."""
    command = [sys.executable, "-X", "faulthandler", "-c", PROLOGUE + textwrap.dedent(script)]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    options = {
        "env": environ,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "timeout": 50,
    } | options
    done = subprocess.run(command, check=False, **options)
    assert done.returncode == expect, done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in (done.stdout or "").splitlines()]


def numbers(lines, name):
    return [line["n"] for line in lines if line["name"] == name]


def test_what_waits_at_exit_is_written():
    """Also what `atexit` functions log, before the writer is closed and afterwards."""
    lines = run("""
        import atexit
        from anytel.logs.background import process
        writer = BackgroundWriter(json.dumps)
        atexit.unregister(process._close_all)
        atexit.register(put, writer, "after")
        atexit.register(process._close_all)
        atexit.register(put, writer, "before")
        put(writer, "main", 5000)
        sys.exit()
    """)
    names = [line["name"] for line in lines]
    assert names == ["main"] * 5000 + ["before"] * 100 + ["after"] * 100


def test_what_waits_is_written_after_an_uncaught_exception():
    """The exit status and the traceback are those of any script."""
    script = PROLOGUE + 'writer = BackgroundWriter(json.dumps); put(writer, "main"); raise ValueError'
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 100
    assert done.stderr.rstrip().endswith("ValueError")


@pytest.mark.parametrize("stream", ["sys.stdout", "Wrapped()"])
def test_a_forked_child_writes_its_own_lines_and_none_of_its_parent_s(stream):
    """While threads log and the writer writes; also to a stream that buffers, where a fork copies what is in it."""
    lines = run(f"""
        class Wrapped:
            def write(self, text): sys.stdout.write(text)
            def flush(self): sys.stdout.flush()
        writer = BackgroundWriter(json.dumps, {stream}, "block", 50)
        busy = threading.Thread(target=put, args=(writer, "thread", 3000))
        busy.start()
        for child in range(8):
            put(writer, f"parent {{child}}")
            pid = os.fork()
            if not pid:
                put(writer, f"child {{child}}")
                assert writer.close(20) and writer.stats().written == 100
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        busy.join()
    """)
    assert numbers(lines, "thread") == list(range(3000))
    for child in range(8):
        assert numbers(lines, f"parent {child}") == list(range(100))
        assert numbers(lines, f"child {child}") == list(range(100))
    assert len(lines) == 3000 + 8 * 200


def test_a_fork_waits_for_a_write_that_is_half_done():
    """A copy of what is in the stream's buffer would come out twice."""
    lines = run("""
        half = threading.Event()
        class Halting:
            def write(self, text):
                sys.stdout.write(text)
                half.set()
                time.sleep(0.05)  # shorter than a fork waits, longer than a fork that does not
            def flush(self): sys.stdout.flush()
        writer = BackgroundWriter(json.dumps, Halting())
        put(writer, "parent")
        half.wait(20)
        pid = os.fork()
        if not pid:
            sys.exit()
        assert os.waitpid(pid, 0)[1] == 0
    """)
    assert numbers(lines, "parent") == list(range(100))


def test_a_fork_while_the_sink_blocks_leaves_a_child_that_works():
    """The parent's write never ends; the child writes to where it can."""
    lines = run("""
        read, write = os.pipe()
        stuck = BackgroundWriter(json.dumps, open(write, "w"))
        put(stuck, "parent", 5000)
        while not stuck.stats().written:
            time.sleep(0.001)
        pid = os.fork()
        if not pid:
            writer = BackgroundWriter(json.dumps)
            put(writer, "child")
            assert stuck.stats().waiting == 0
            sys.exit(not writer.flush(20))
        assert os.waitpid(pid, 0)[1] == 0
        sys.stdout.flush()
        os._exit(0)
    """)
    assert numbers(lines, "child") == list(range(100))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_children_of_multiprocessing_write_what_waits(method, tmp_path):
    """Though they run no `atexit` function before Python 3.13."""
    script = tmp_path / "script.py"
    script.write_text(
        PROLOGUE
        + textwrap.dedent("""
            import multiprocessing
            writer = BackgroundWriter(json.dumps)
            if __name__ == "__main__":
                put(writer, "parent")
                child = multiprocessing.get_context(sys.argv[1]).Process(target=put, args=(writer, "child"))
                if sys.argv[1] == "spawn":
                    from script import writer as imported
                    import script
                    child = multiprocessing.get_context("spawn").Process(target=script.in_child)
                child.start(); child.join()
                sys.exit(child.exitcode)
            def in_child():
                put(writer, "child")
        """)
    )
    command = [sys.executable, str(script), method]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert numbers(lines, "child") == list(range(100))
    assert numbers(lines, "parent") == list(range(100))


def test_a_dead_reader_does_not_keep_the_process_from_ending():
    """The pipe stays full for ever: the exit waits its two seconds, and the interpreter does not abort."""
    read, write = os.pipe()
    try:
        script = 'writer = BackgroundWriter(json.dumps, patience=0.1, limit=10); put(writer, "main", 20000)'
        run(script, stdout=write)
    finally:
        os.close(read)
        os.close(write)


def test_a_reader_that_has_gone_does_not_disturb_the_process():
    """As under ``| head``: no traceback, exit status 0."""
    read, write = os.pipe()
    os.close(read)
    try:
        run('writer = BackgroundWriter(json.dumps); put(writer, "main", 5000)', stdout=write)
    finally:
        os.close(write)


def test_sigterm_flushes_where_it_is_asked_to():
    """The process still dies of the signal."""
    lines = run(
        """
        flush_on_signals()
        writer = BackgroundWriter(json.dumps)
        put(writer, "main", 5000)
        os.kill(os.getpid(), signal.SIGTERM)
        """,
        expect=-signal.SIGTERM,
    )
    assert numbers(lines, "main") == list(range(5000))


def test_sigterm_without_that_loses_what_waits():
    """The default action ends the process at once: the documentation says so."""
    lines = run(
        """
        writer = BackgroundWriter(json.dumps)
        put(writer, "main", 1)
        writer.flush()
        with writer._lock:
            put(writer, "late", 1)
            os.kill(os.getpid(), signal.SIGTERM)
        """,
        expect=-signal.SIGTERM,
    )
    assert [line["name"] for line in lines] == ["main"]


def test_a_handler_of_the_application_s_is_left_alone():
    """It ends the process as it likes, and the exit flushes."""
    lines = run(
        """
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
        flush_on_signals()
        writer = BackgroundWriter(json.dumps)
        put(writer, "main", 1000)
        os.kill(os.getpid(), signal.SIGTERM)
        """,
        expect=3,
    )
    assert numbers(lines, "main") == list(range(1000))
