"""Forks, the end of the process, and threads: what is recorded is delivered once."""

import json

FORK = """
import json, os, sys, threading
import anytel
from anytel.backend import Ack
from anytel.backends.memory import MemoryBackend

PATH = sys.argv[0] + ".out"

class Writing(MemoryBackend):
    name = "writing"
    def _write(self, kind, names):
        with open(PATH, "a") as out:
            out.writelines(json.dumps([os.getpid(), kind, name]) + "\\n" for name in names)
    def spans(self, batch, deadline):
        self._write("span", [span.name for span in batch]); return Ack(len(batch))
    def metrics(self, batch, deadline):
        self._write("metric", [f"{p.series.name}={p.value:g}" for p in batch.points]); return Ack(len(batch.points))
    def logs(self, batch, deadline):
        self._write("log", [log.message for log in batch]); return Ack(len(batch))
    def errors(self, batch, deadline):
        self._write("error", [error.exception.message for error in batch]); return Ack(len(batch))

def child(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0

def lines():
    return [json.loads(line) for line in open(PATH)]

parent = os.getpid()
"""


def test_nothing_inherited_is_sent_twice(run_python):
    """A forked child sends what it records itself, and nothing that its parent has recorded."""
    run_python(
        FORK
        + """
anytel.configure(service="s", backends=[Writing()], log_format="json")
log = anytel.get_logger()
bound = anytel.Counter("bound").bind()
with anytel.span("root") as root:
    with anytel.span("before"):
        pass
    anytel.count("n"); bound.add(); log.info("parent line"); anytel.capture_exception(ValueError("parent"))

    def work():
        assert anytel.current_span().trace_id == root.trace_id
        with anytel.span("in child") as inner:
            assert inner.trace_id == root.trace_id
        root.end()
        anytel.count("n", 10); bound.add(20); log.info("child line"); anytel.capture_exception(ValueError("child"))
        assert anytel.flush(10)
        with anytel.span("new"):
            pass
        assert anytel.shutdown(10)
        assert dict(anytel.stats().refused) == {}

    child(work)
assert anytel.shutdown(10)
found = lines()
mine = sorted(f"{kind} {name}" for pid, kind, name in found if pid == parent)
other = sorted(f"{kind} {name}" for pid, kind, name in found if pid != parent)
assert mine == ["error parent", "log parent line", "metric bound=1", "metric n=1", "span before", "span root"], mine
assert other == [
    "error child", "log child line", "metric bound=20", "metric n=10", "span in child", "span new"], other
"""
    )


def test_a_child_that_only_counts_delivers(run_python):
    """Recording metrics alone starts the child's workers, in the main thread and with bound handles too."""
    run_python(
        FORK
        + """
class Ticking(Writing):
    def __init__(self):
        super().__init__()
        self.ticked = threading.Event()
    def metrics(self, batch, deadline):
        ack = super().metrics(batch, deadline)
        self.ticked.set()
        return ack

for which in ("verb", "bound", "gauge", "distribution", "set"):
    backend = Ticking()
    anytel.configure(service="s", backends=[backend], flush_interval=0.05)
    counter, gauge = anytel.Counter("bound").bind(), anytel.Gauge("level").bind()
    anytel.count("n"); counter.add(); gauge.set(1)

    def work():
        assert threading.active_count() == 1, threading.enumerate()
        backend.ticked.clear()
        {"verb": lambda: anytel.count("n"), "bound": counter.add, "gauge": lambda: gauge.set(2),
         "distribution": lambda: anytel.distribution("d", 1), "set": lambda: anytel.set("u", "x")}[which]()
        assert backend.ticked.wait(20), which
        assert anytel.shutdown(10)

    child(work)
anytel.shutdown(10)
"""
    )


def test_a_fork_while_threads_record(run_python):
    """Locks that other threads hold at the fork do not block the child."""
    run_python(
        FORK
        + """
sys.setswitchinterval(1e-6)
anytel.configure(service="s", backends=[MemoryBackend()], flush_interval=0.001, log_format="json")
stop = threading.Event()
sys.stdout = open(os.devnull, "w")

def load(number):
    log = anytel.get_logger()
    while not stop.is_set():
        for index in range(50):
            with anytel.span("s"):
                anytel.count("n", tags={"a": number * 1000 + index})
            anytel.distribution(f"d{index}", 1)

threads = [threading.Thread(target=load, args=(number,)) for number in range(3)]
for thread in threads:
    thread.start()

def work():
    with anytel.span("child"):
        anytel.count("n"); anytel.count("new"); anytel.gauge("g", 1)
    anytel.get_logger().info("line")
    anytel.flush(20)  # a thousand intervals a second may be more than the queue holds: then it says so, and returns
    counts = anytel.stats().backends["memory"]
    assert counts["span"].delivered == 1, counts
    assert anytel.shutdown(20)

try:
    for _ in range(15):
        child(work)
finally:
    stop.set()
    for thread in threads:
        thread.join()
"""
    )


def test_ids_differ_after_a_fork(run_python):
    """Parent and child draw different ids, also when the application seeds the global generator."""
    done = run_python(
        FORK
        + """
import random
anytel.configure(service="s", backends=[MemoryBackend()])
anytel.start_span("x").end()

def ids():
    random.seed(1)
    return [anytel.start_span("x").trace_id for _ in range(3)]

child(lambda: print(json.dumps(ids()), flush=True))
child(lambda: print(json.dumps(ids()), flush=True))
print(json.dumps(ids()), flush=True)
"""
    )
    found = [one for line in done.stdout.splitlines() for one in json.loads(line)]
    assert len(found) == len(set(found)) == 9


def test_a_unsampled_root_is_counted_once_across_a_fork(run_python):
    """The root of an unsampled trace that was open at the fork is the parent's."""
    run_python(
        FORK
        + """
class Roots(Writing):
    unsampled_roots = True

anytel.configure(service="s", backends=[Roots()], sample_rate=0)
with anytel.span("root") as root:
    def work():
        root.end()
        with anytel.span("own", parent=anytel.extract({})):
            pass
        assert anytel.shutdown(10)

    child(work)
assert anytel.shutdown(10)
assert sorted([pid == parent, name] for pid, kind, name in lines()) == [[False, "own"], [True, "root"]], lines()
"""
    )


def test_what_is_recorded_is_delivered_at_exit(run_python):
    """At the end of the process everything is delivered, also open spans and what `atexit` functions record."""
    done = run_python(
        FORK
        + """
import atexit

def last():
    with anytel.span("at exit"):
        anytel.count("n")

atexit.register(last)

class Printing(MemoryBackend):
    def close(self, deadline):
        print(json.dumps([[span.name for span in self.finished], self.value("n")]))
        return True

anytel.configure(service="s", backends=[Printing()])
anytel.count("n")
span = anytel.start_span("open")
with anytel.span("done"):
    pass
"""
    )
    names, count = json.loads(done.stdout)
    assert (sorted(names), count) == (["at exit", "done", "open"], 2)
    assert done.stderr == ""


def test_a_dead_backend_does_not_hold_the_exit(run_python):
    """A process with a backend that blocks for ever ends when the shutdown timeout is over."""
    run_python(
        """
import anytel, threading
from anytel.backend import Backend

class Blocked(Backend):
    name = "blocked"
    def spans(self, batch, deadline):
        threading.Event().wait()

anytel.configure(service="s", backends=[Blocked()], shutdown_timeout=0.2)
anytel.start_span("s").end()
""",
    )


def test_unhandled_exceptions_leave_the_process_as_they_were(run_python):
    """An exception that ends the process inside a span is reported, and shown once, as a line of the log."""
    done = run_python(
        FORK
        + """
class Printing(MemoryBackend):
    def close(self, deadline):
        print(self.reports[0].exception.message, self.reports[0].handled, self.finished[0].status)
        return True

anytel.configure(service="s", backends=[Printing()])
with anytel.span("s"):
    raise ValueError("bad")
""",
        status=1,
    )
    line, closed = done.stdout.splitlines()
    assert json.loads(line)["exception.message"] == "bad"
    assert closed == "bad False error"
    assert done.stderr == ""
