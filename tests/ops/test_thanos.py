"""Thanos, by the generated commands: an old and a fresh query, downsampling, copies, remote write, and long rules."""

import time
from contextlib import ExitStack

import pytest

from anytel.generate import Options, generate
from ops.declared import SERVICE, catalogue
from ops.remote_write import push
from ops.servers import service, write
from ops.thanos import Stack, history
from real.processes import need, running
from real.web import await_value, get, get_json

pytestmark = [pytest.mark.go, pytest.mark.timeout(180)]
DAY = 86_400
NOW = time.time()
LONG_AGO = NOW - 60 * DAY
OLD = "queue_depth_old"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Give the project with everything of Thanos running, and old blocks of two replicas in the bucket."""
    folder = tmp_path_factory.mktemp("stack")
    with ExitStack() as until:
        app = until.enter_context(service(folder / "app", ("fragment-refresh",)))
        write(folder, generate("stack", catalogue(), Options(service=SERVICE, scrape_interval="1s")))
        project = Stack(folder, until)
        project.start_bucket()
        for replica in ("a", "b"):
            blocks = history(folder / f"old-{replica}", {OLD: lambda at: 7.0}, LONG_AGO - 8 * DAY, LONG_AGO)
            labels = '--label=cluster="default"', f'--label=replica="{replica}"'
            project.tools("upload-blocks", f"--path={blocks}", *labels)
        project.start("thanos-compact", "--consistency-delay=0s")
        await_value(lambda: {one["thanos"]["downsample"]["resolution"] for one in project.blocks()} >= {0, 300_000})
        project.start("thanos-store")
        prometheus(project, app, until)
        project.start("thanos-sidecar")
        project.start("thanos-receive")
        project.start("thanos-query")
        project.start("thanos-rule", "--eval-interval=1s")
        yield project


def prometheus(project, app, until):
    """Run Prometheus by the project's command; it scrapes the service, and has a block of this morning."""
    data = project.folder / "run/prometheus"
    blocks = history(project.folder / "morning", {"queue_depth": lambda at: 3.0}, NOW - 5 * 3600, NOW - 3 * 3600)
    blocks.rename(data)
    config = project.folder / "stack/prometheus/prometheus.yml"
    own = f"127.0.0.1:{project.prometheus}"
    config.write_text(config.read_text().replace("app:9464", app.metrics).replace("localhost:9090", own))
    command = [
        one.replace("/etc/prometheus", str(config.parent)).replace("=/prometheus", f"={data}")
        for one in project.services["prometheus"]["command"]
    ]
    program = need("prometheus-3.16.0").path
    command = [program, *command, f"--web.listen-address={own}"]
    until.enter_context(running(command, data, lambda: get(f"http://{own}/-/ready")))


def at(project, query, **parameters):
    """Give the answer of Thanos' query to *query*, with its own parameters."""
    url = f"http://127.0.0.1:{project.http['thanos-query']}/api/v1/query"
    return get_json(url, {"query": query, **parameters})["data"]["result"]


def test_a_query_of_two_months_ago_is_answered_from_the_bucket(stack):
    """Prometheus never had those samples."""
    (found,) = await_value(lambda: at(stack, OLD, time=f"{LONG_AGO - DAY}"))

    assert (found["metric"]["cluster"], found["value"][1]) == ("default", "7")
    assert (
        get_json(f"http://127.0.0.1:{stack.prometheus}/api/v1/query", {"query": f"{OLD}[90d]"})["data"]["result"] == []
    )


def test_copies_of_two_replicas_are_one_series(stack):
    """The label is gone where they are merged, and is there on request."""
    (merged,) = at(stack, OLD, time=f"{LONG_AGO - DAY}")
    copies = at(stack, OLD, time=f"{LONG_AGO - DAY}", dedup="false")

    assert "replica" not in merged["metric"]
    assert {one["metric"]["replica"] for one in copies} == {"a", "b"}


def test_a_fresh_query_is_answered_by_the_sidecar(stack):
    """The service was scraped a moment ago; its recorded series are there too."""
    (found,) = await_value(lambda: at(stack, 'sum(skills_executions_total{status="ok"})'))

    assert float(found["value"][1]) > 0
    assert await_value(lambda: at(stack, "job:skills_executions:rate5m"))


def test_the_sidecar_uploads_what_prometheus_has_written(stack):
    """The block of this morning gets into the bucket, with the labels of this Prometheus."""
    labels = await_value(
        lambda: [one["thanos"]["labels"] for one in stack.blocks() if one["maxTime"] > (NOW - DAY) * 1000]
    )

    assert labels[0] == {"cluster": "default", "replica": "a"}


def test_long_ranges_read_downsampled_blocks(stack):
    """A range with a step of an hour may read 5m: it has the same average, which is what the gauge was."""
    url = f"http://127.0.0.1:{stack.http['thanos-query']}/api/v1/query_range"
    span = {"start": f"{LONG_AGO - 4 * DAY}", "end": f"{LONG_AGO - 3 * DAY}", "step": "3600"}
    (found,) = get_json(url, {"query": f"avg_over_time({OLD}[1h])", "max_source_resolution": "5m", **span})["data"][
        "result"
    ]

    assert {value for _, value in found["values"]} == {"7"}


def test_remote_write_is_received_and_can_be_queried(stack):
    """It has the labels of the receiver."""
    url = f"http://127.0.0.1:{stack.remote_write}/api/v1/receive"
    push(url, ({"__name__": "elsewhere", "cluster": "edge"}, [(time.time(), 5.0)]))

    (found,) = await_value(lambda: at(stack, "elsewhere"))
    assert (found["value"][1], found["metric"]["cluster"], found["metric"]["receiver"]) == ("5", "edge", "thanos")


def test_the_ruler_evaluates_what_looks_back_further_than_prometheus_can(stack):
    """The error ratio over 30 days is recorded of samples of which Prometheus has none."""
    url, labels = f"http://127.0.0.1:{stack.remote_write}/api/v1/receive", {"service": SERVICE, "slo": "skills-succeed"}
    now = time.time()
    names = {"slo:sli_errors:rate5m": 1.0, "slo:sli_events:rate5m": 4.0}
    push(url, *(({"__name__": name, "cluster": "far", **labels}, [(now, value)]) for name, value in names.items()))

    query = 'slo:error_budget_remaining:ratio{cluster="far"}'
    (found,) = await_value(lambda: at(stack, query))
    assert float(found["value"][1]) == pytest.approx(1 - 0.25 / 0.01)
