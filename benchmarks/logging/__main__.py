"""Measure all ways in turn, several times over, and write the medians into the page."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.logging.sinks import SINKS
from benchmarks.logging.ways import REFERENCE, WAYS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "logs-sync-or-async.md"
LINES = 20_000
SERVICE_LINES = 1_600
CASES = {
    "file, 1 thread": ("threads", "file", 1, LINES),
    "file, 8 threads": ("threads", "file", 8, LINES),
    "slow pipe, 1 thread": ("threads", "slow", 1, LINES),
    "slow pipe, 8 threads": ("threads", "slow", 8, LINES),
    "asyncio service, file": ("service", "file", 1, SERVICE_LINES),
    "asyncio service, stalling pipe": ("service", "stalling", 1, SERVICE_LINES),
}
MORE = 2
Result = dict[str, float]


def measure(way: str, load: str, sink: str, number: int, lines: int) -> Result:
    """Run one measurement, and check that what arrived is what was not lost."""
    read, write = os.pipe()
    with SINKS[sink]() as (descriptor, arrived):
        command = [sys.executable, "-m", "benchmarks.logging.child", str(write), way, load, str(number), str(lines)]
        subprocess.run(command, stdout=descriptor, pass_fds=[write], check=True, cwd=ROOT, timeout=60)
    os.close(write)
    with os.fdopen(read) as results:
        result: Result = json.load(results)
    expected = lines + 1 - result["lost"]  # and the first, that warms up
    assert arrived.count == expected, f"{way}, {sink}: {arrived.count} lines arrived, not {expected}"
    return result


def table(case: str, rounds: list[dict[str, Result]]) -> list[str]:
    """Write the medians of one case; ratios are taken within a round, against the reference."""

    def middle(way: str, key: str) -> float:
        return median(one[way][key] for one in rounds)

    def ratio(way: str, key: str) -> float:
        return median(one[way][key] / one[REFERENCE][key] for one in rounds)

    loop = "lag_p99" in rounds[0][REFERENCE]
    heads = ["loop late p99, ms", "worst, ms"] if loop else ["lines/s", "x by hand"]
    columns = ["way", *heads, "call p50, µs", "p99, µs", "worst, ms", "CPU µs/line", "x by hand", "lost"]
    lines = ["| " + " | ".join(columns) + " |", "| --- |" + " ---: |" * (len(columns) - 1)]
    for way in rounds[0]:
        if loop:
            first = [f"{middle(way, 'lag_p99'):.1f}", f"{middle(way, 'lag_worst'):.0f}"]
        else:
            first = [f"{middle(way, 'rate'):,.0f}", f"{ratio(way, 'rate'):.2f}"]
        calls = [f"{middle(way, 'p50'):.1f}", f"{middle(way, 'p99'):,.0f}", f"{middle(way, 'worst'):.1f}"]
        lost = middle(way, "lost") / (SERVICE_LINES if loop else LINES)
        cells = [way, *first, *calls, f"{middle(way, 'cpu'):.1f}", f"{ratio(way, 'cpu'):.2f}", f"{lost:.0%}"]
        lines.append("| " + " | ".join(cells) + " |")
    return [f"### {case[0].upper()}{case[1:]}", "", *lines, ""]


def machine() -> str:
    """Say what was measured on."""
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    cpu = model[1] if model else platform.processor()
    versions = ", ".join(f"{name} {version(name)}" for name in ("structlog", "orjson"))
    return f"{os.cpu_count()} cores of {cpu}, {platform.system()}, Python {platform.python_version()}, {versions}"


def run(rounds: int, ways: list[str], cases: list[str]) -> dict[str, list[dict[str, Result]]]:
    """Measure every way in every case *rounds* times, the ways in turn, every other round backwards.

    The short ones, those with a file, have `MORE` further rounds.
    """
    results: dict[str, list[dict[str, Result]]] = {case: [] for case in cases}
    for number in range(rounds + MORE):
        for case in cases:
            if number >= rounds and not case.startswith("file"):
                continue
            order = ways if number % 2 == 0 else ways[::-1]
            measured = {way: measure(way, *CASES[case]) for way in order}
            results[case].append({way: measured[way] for way in ways})
    return results


def caller() -> list[str]:
    """Measure what a call costs its caller, and write it as a table."""
    command = [sys.executable, "-m", "benchmarks.logging.caller"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT, timeout=120)
    lines = [
        f"Measured on {machine()}.",
        "",
        "| way | caller's CPU, µs/line | x by hand | half of the rounds |",
        "| --- | ---: | ---: | ---: |",
    ]
    for way, found in json.loads(done.stdout).items():
        spread = f"{found['low']:.2f} to {found['high']:.2f}" if "low" in found else ""
        lines.append(f"| {way} | {found['cost']:.1f} | {found['ratio']:.2f} | {spread} |")
    return [*lines, ""]


def put(mark: str, text: str, write: bool) -> None:
    """Replace what the page has between the marks."""
    if write:
        between = rf"(<!-- {mark} -->\n).*?(?=<!-- end -->)"
        page = re.sub(between, lambda found: found[1] + text + "\n", PAGE.read_text(), flags=re.DOTALL)
        PAGE.write_text(page)


def main() -> None:
    """Print the tables, and with ``--write`` put them into the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logging", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="a part of the names of the cases")
    parser.add_argument("--caller", action="store_true", help="only what a call costs its caller (10 seconds)")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    costs = "\n".join(caller())
    print(costs)
    put("caller", costs, options.write)
    if options.caller:
        return
    started = time.monotonic()
    results = run(options.rounds, list(WAYS), [case for case in CASES if options.only in case])
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    lines = [
        f"Measured on {machine()}; medians of {options.rounds} interleaved runs ({options.rounds + MORE} for files).",
        "",
    ]
    for case, rounds in results.items():
        lines += table(case, rounds)
    text = "\n".join(lines)
    print(text)
    put("benchmark", text, options.write)


if __name__ == "__main__":
    main()
