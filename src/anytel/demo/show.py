"""A run's result for people: tables and trees on a terminal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from anytel.backend import SpanRecord
from anytel.demo.compare import Difference
from anytel.demo.exhibits import Exhibit, exhibits
from anytel.demo.report import LAST_LOGS
from anytel.demo.run import Result, Trace
from anytel.demo.traffic import Answer
from anytel.testing.observe.seen import Reading, Seen, SeriesKey

__all__ = ["progress", "show"]

MOST_DIFFERENCES = 20
NARROW = 20
NOTHING = "-"
"""What does not go to a place."""
_TITLES = {"sentry": "Sentry", "datadog": "Datadog", "prometheus": "Prometheus", "otlp": "OTLP", "stdout": "log lines"}
_METRIC_COLUMNS: Mapping[str, Literal["left", "right"]] = {
    "metric": "left",
    "kind": "left",
    "series": "right",
    "value": "right",
}
_SHOWN = ("fragment.key", "db.operation.name", "mcp.type", "skill_id", "http.response.status_code")


@contextmanager
def progress(console: Console, total: int) -> Iterator[Callable[[Answer], None]]:
    """Show how many requests were answered, where *console* is a terminal."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[statuses]}")
    # Standard output is taken while the service runs, and must stay so.
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    statuses: Counter[int] = Counter()
    with bar:
        task = bar.add_task("requests", total=total, statuses="")

        def answered(answer: Answer) -> None:
            statuses[answer.status] += 1
            shown = " ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
            bar.update(task, advance=1, statuses=shown)

        yield answered


def show(console: Console, result: Result) -> None:
    """Print what was collected: in memory, or by each vendor."""
    differences, chosen = result.differences(), exhibits(result)
    statuses = Counter(answer.status for answer in result.answers)
    answered = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    console.print(f"{len(result.answers)} requests were answered (status: times): {answered}\n", highlight=False)
    if result.backends:
        console.print(_comparison(result, differences))
        _show_ids(console, chosen)
    else:
        _show_memory(console, result, chosen)
    _show_verdict(console, result, differences)
    _show_next(console, result)


def _show_memory(console: Console, result: Result, chosen: Sequence[Exhibit]) -> None:
    for exhibit in chosen:
        console.print(_tree(exhibit))
    console.print(_metrics(result.emitted))
    console.print(_errors(result))
    console.print("[italic]The last log events[/]\n")
    for event in list(result.recorder.events)[-LAST_LOGS:]:
        # What differs from line to line comes first, for narrow terminals.
        values = " ".join(f"{name}={value}" for name, value in reversed(tuple(event.attributes.items())))
        console.print(Text(f"  {event.level:8}{event.message:20}{values}"), no_wrap=True, overflow="ellipsis")
    console.print()


def _tree(exhibit: Exhibit) -> Tree:
    """Draw the spans of one trace."""
    trace = exhibit.trace
    tree = Tree(f"[bold]{escape(exhibit.title)}[/]  [dim]trace {trace.id}[/]")
    nodes = {trace.root.parent_id: tree}
    through = {span.parent_id for span in trace.spans if span.status == "error"}
    for span in trace.spans:
        above = nodes.get(span.parent_id, tree)
        text = _span(span, trace)
        if span.status_message and span.context.span_id not in through:
            text.append(f"  {span.status_message}", style="red")
        nodes[span.context.span_id] = above.add(text)
    return tree


def _span(span: SpanRecord, trace: Trace) -> Text:
    text = Text(span.name, style="red" if span.status == "error" else "green")
    text.append(f"  {(span.end_ns - span.start_ns) / 1e6:.2f} ms", style="cyan")
    if span.service != trace.root.service:
        text.append(f"  [{span.service}]", style="magenta")
    for name in _SHOWN:
        if name in span.attributes:
            text.append(f"  {name}={span.attributes[name]}", style="dim")
    return text


def _metrics(emitted: Seen) -> Table:
    """List the metrics with their kind and value over all series."""
    table = Table(box=box.SIMPLE_HEAD, title="Metrics", title_justify="left")
    for title, justify in _METRIC_COLUMNS.items():
        table.add_column(title, justify=justify)
    for name, readings in (_by_metric(emitted.metrics) or {}).items():
        table.add_row(name, readings[0].kind, str(len(readings)), _summary(readings))
    return table


def _comparison(result: Result, differences: Sequence[Difference]) -> Table:
    """Put what was emitted beside what each place has, by signal and by metric."""
    title = "What was emitted, and what arrived"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.caption, table.caption_justify = f"{NOTHING}  does not go there{_elsewhere(result.backends)}", "left"
    table.add_column("signal", no_wrap=True)
    for title in ("emitted", *(_TITLES[seen.place] for seen in result.seen)):
        table.add_column(title, justify="right", min_width=len(title))
    wrong = {(one.place, _row_of(one)) for one in differences}
    for name, cells in _rows(result.emitted, result.seen):
        styles = ["red" if (seen.place, name) in wrong else "" for seen in result.seen]
        table.add_row(
            _narrow(name), *(Text(cell, style=style) for cell, style in zip(cells, ["", *styles], strict=True))
        )
    return table


def _narrow(name: str) -> str:
    """Break a long name at a dot, for narrow terminals."""
    end = name.rfind(".", 0, len(name) // 2 + 1) + 1
    return f"{name[:end]}\n  {name[end:]}" if end and len(name) > NARROW else name


def _elsewhere(backends: Sequence[str]) -> str:
    return ": Datadog shows errors on their spans, and its Agent reads the log lines" if "datadog" in backends else ""


def _row_of(difference: Difference) -> str:
    """Give the first cell of the row that a difference belongs to."""
    return difference.what.partition("{")[0] if difference.subject == "metric" else f"{difference.subject}s"


def _rows(emitted: Seen, places: Sequence[Seen]) -> Iterator[tuple[str, list[str]]]:
    columns = [emitted, *places]
    yield "spans", [_count(seen.spans) for seen in columns]
    yield "errors", [_count(seen.errors) for seen in columns]
    yield "logs", [_count(seen.logs) for seen in columns]
    by_metric = [_by_metric(seen.metrics) for seen in columns]
    for metric in sorted({name for one in by_metric if one for name in one}):
        yield metric, [NOTHING if one is None else _summary(one.get(metric, ())) for one in by_metric]
    yield "exemplars", [NOTHING, *(_count(seen.exemplars) for seen in places)]


def _count(items: Sequence[object] | None) -> str:
    return NOTHING if items is None else str(len(items))


def _by_metric(metrics: Mapping[SeriesKey, Reading] | None) -> Mapping[str, Sequence[Reading]] | None:
    if metrics is None:
        return None
    found: defaultdict[str, list[Reading]] = defaultdict(list)
    for key, reading in sorted(metrics.items()):
        found[key.metric].append(reading)
    return found


def _summary(readings: Sequence[Reading]) -> str:
    """Bring a metric's series into one cell: sums of what can be added up, gauges one by one."""
    if not readings:
        return "missing"
    match readings[0].kind:
        case "count":
            return f"{sum(one.value or 0 for one in readings):g}"
        case "gauge":
            return ", ".join(f"{one.value:g}" for one in readings)
        case "set":
            return f"{readings[0].count if readings[0].value is None else readings[0].value:g}"
        case _:
            return f"{sum(one.count or 0 for one in readings)}, sum {sum(one.value or 0 for one in readings):.4g}"


def _show_ids(console: Console, chosen: Sequence[Exhibit]) -> None:
    """Put the trace ids of some requests below one another, place by place."""
    console.print("\n[italic]One request, one trace id[/]")
    for exhibit in chosen:
        table = Table.grid(padding=(0, 2))
        for where, ids in exhibit.found.items():
            style = "green" if ids == {exhibit.trace.id} else "red"
            table.add_row(f"  {where}", Text(", ".join(sorted(ids)), style=style))
        console.print(Text(f"\n  {exhibit.title}", style="bold"), table, sep="\n")
    console.print()


def _errors(result: Result) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Errors, each reported once", title_justify="left")
    for title in ("error", "times", "handled", "last id"):
        table.add_column(title, no_wrap=title == "last id")
    reports: defaultdict[tuple[str, bool], list[str]] = defaultdict(list)
    for report in result.recorder.reports:
        exception = report.exception
        title = f"{exception.type}: {exception.message}" if exception is not None else report.message
        reports[title, report.handled].append(report.id)
    for (title, handled), ids in sorted(reports.items()):
        table.add_row(Text(title), str(len(ids)), "yes" if handled else "no", ids[-1])
    return table


def _show_verdict(console: Console, result: Result, differences: Sequence[Difference]) -> None:
    if not differences and not result.backends:
        return
    if not differences:
        places = ", ".join(_TITLES[seen.place] for seen in result.seen)
        console.print(f"[green]Everything that was emitted arrived:[/] {places} agree with what was emitted.")
        return
    console.print(f"[red]{len(differences)} differences:[/]")
    for one in differences[:MOST_DIFFERENCES]:
        console.print(Text(f"  {one}"))
    if len(differences) > MOST_DIFFERENCES:
        console.print(f"  … and {len(differences) - MOST_DIFFERENCES} more (--json shows all)")


def _show_next(console: Console, result: Result) -> None:
    hints = {
        "anytel demo --json": "the same as data",
        "TELEMETRY_BACKENDS=... uvicorn anytel.demo.app:app": "the same service with your own accounts",
    }
    if not result.backends:
        hints = {"anytel demo --backends sentry,datadog,prometheus": "the same traffic, through three vendors", **hints}
    console.print("\nWhere to look next:")
    for command, what in hints.items():  # each on a line of its own: it is there to be copied
        console.print(f"  {what}:\n    [bold]{command}[/]", soft_wrap=True)
