#!/usr/bin/env python3
"""Measures Chortle, and the peers on the same sound, and says which targets are met.

usage: bench.py [SECTION...] [--rounds N] [--peers FOLDER]

hour          an hour of Ogg Opus: ours and the peers by turns, compared within each round
lengths       1, 6 and 24 hours in one recording: memory must not grow
interpreters  the hour with 1, 2 and 4 interpreters side by side
users         twenty users, one after another: what each gives back
spawn         twenty users with a second of sound each: what starting, checking and killing a model costs
plugin        Python's YAMNet against its own loop, the bridge alone, a cold start of a Python plugin
quiet         an hour without a laugh against one full of them
limit         the hour in a memory-limited control group, where one can be made

Without a section: all of them. Figures go to build/bench.json, section by section; docs/benchmarks.md is
written from it. Memory is the proportional set size of the whole process tree, in MiB. Exit code 1: a target
was missed; 2: a measurement could not be made. The peers' folder is CHORTLE_PEERS, else shared/peers beside
the checkout; without it they are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bench_plugin import plugin
from contestants import ROOT, WORK, Contestants
from measure import BenchError, Measured

MIB = 2**20
RESULTS = ROOT / "build" / "bench.json"
Figures = dict[str, Any]


class Report:
    """Collects figures and verdicts, and tells them as they come."""

    def __init__(self) -> None:
        self.results: Figures = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        self.missed = 0

    def section(self, name: str, figures: Figures) -> None:
        figures["measured_at"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
        figures["machine"] = machine()
        self.results[name] = figures
        RESULTS.write_text(json.dumps(self.results, indent=2) + "\n")

    def target(self, figures: Figures, what: str, value: float, limit: float, unit: str) -> None:
        """Holds a figure that must be at most its limit."""
        met = value <= limit
        self.missed += not met
        print(f"{'PASS' if met else 'FAIL'}  {what}: {value:.3g} {unit}, at most {limit:g}")
        figures.setdefault("targets", []).append(
            {"what": what, "value": value, "limit": limit, "unit": unit, "met": met}
        )


def machine() -> Figures:
    models = [line.split(":")[1].strip() for line in read("/proc/cpuinfo") if line.startswith("model name")]
    memory = int(read("/proc/meminfo")[0].split()[1]) / MIB
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory, 1),
        "kernel": platform.release(),
        "go": answer("go", "env", "GOVERSION"),
        "python": platform.python_version(),
        "version": answer("git", "describe", "--tags", "--always", "--dirty"),
    }


def read(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def answer(*command: str) -> str:
    """What a command prints; empty where it fails."""
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT).stdout.strip()


def hour(them: Contestants, report: Report, rounds: int) -> None:
    sound = them.sound()
    runs: dict[str, Callable[[], Measured]] = {"chortle": lambda: them.ours(sound)[0], **them.peers(sound)}
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    for number in range(rounds):
        names = list(runs)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            run = runs[name]()
            rows[name].append(run.figures())
            print(f"  round {number + 1}  {name:18} {describe(run)}", flush=True)
    figures: Figures = {"rounds": rows, "medians": {name: medians(row) for name, row in rows.items()}, "ratios": {}}
    for name, row in rows.items():
        if name == "chortle":
            continue
        figures["ratios"][name] = {
            key: spread([mine[key] / theirs[key] for mine, theirs in zip(rows["chortle"], row)])
            for key in ("wall_s", "cpu_s", "peak_pss_bytes")
        }
        told = ", ".join(
            f"{word} {ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['most']:.2f})"
            for word, ratio in zip(("wall", "CPU", "memory"), figures["ratios"][name].values())
        )
        print(f"  ours against {name}: {told}")
    report.target(figures, "peak memory, one hour", figures["medians"]["chortle"]["peak_pss_bytes"] / MIB, 96, "MiB")
    if against := figures["ratios"].get("litert-2-threads"):
        report.target(figures, "wall time against litert-2-threads", against["wall_s"]["median"], 0.6, "times")
    report.section("hour", figures)


def lengths(them: Contestants, report: Report, _: int) -> None:
    figures: Figures = {"hours": {}}
    for hours in (1, 6, 24):
        run, document = them.ours(them.sound(hours))
        figures["hours"][str(hours)] = {**run.figures(), "seen_by_itself": document["users"][0]["memory"]}
        print(f"  {hours:2} h  {describe(run)}", flush=True)
    peak = {hours: row["peak_pss_bytes"] for hours, row in figures["hours"].items()}
    report.target(figures, "peak memory, 24 hours", peak["24"] / MIB, 96, "MiB")
    report.target(figures, "difference between 1 and 24 hours", abs(peak["24"] / peak["1"] - 1) * 100, 10, "%")
    report.section("lengths", figures)


def interpreters(them: Contestants, report: Report, rounds: int) -> None:
    rows: dict[str, list[dict[str, float]]] = {"1": [], "2": [], "4": []}
    for _ in range(rounds):
        for count, row in rows.items():
            run, _document = them.ours(them.sound(), CHORTLE_INFERD_THREADS=count)
            row.append(run.figures())
            print(f"  {count} interpreters  {describe(run)}", flush=True)
    report.section("interpreters", {"rounds": rows, "medians": {count: medians(row) for count, row in rows.items()}})


def users(them: Contestants, report: Report, _: int) -> None:
    run, document = them.ours(them.sound(seconds=180), users=20)
    memory = [user["memory"] for user in document["users"]]
    figures: Figures = {**run.figures(), "users": memory}
    print(f"  20 users  {describe(run)}")
    kept = max(user["after_bytes"] - user["before_bytes"] for user in memory)
    alive = sum(not user["model_gone"] or Path(f"/proc/{user['model_pid']}").exists() for user in memory)
    report.target(figures, "memory kept after a user, the worst of 20", kept / MIB, 5, "MiB")
    grown = memory[-1]["after_bytes"] - memory[0]["before_bytes"]
    report.target(figures, "memory kept after 20 users", grown / MIB, 5, "MiB")
    report.target(figures, "model processes left", alive, 0, "")
    report.target(figures, "peak memory, 20 users", run.peak_pss_bytes / MIB, 96, "MiB")
    report.section("users", figures)


def spawn(them: Contestants, report: Report, rounds: int) -> None:
    second = them.sound(seconds=1)
    each = []
    for _ in range(rounds):
        one, many = them.ours(second)[0], them.ours(second, users=21)[0]
        each.append((many.wall_s - one.wall_s) / 20 * 1000)
        print(f"  {each[-1]:.0f} ms for each further user", flush=True)
    figures: Figures = {"milliseconds": spread(each)}
    report.target(figures, "a user with one second of sound, all told", figures["milliseconds"]["median"], 150, "ms")
    report.section("spawn", figures)


def quiet(them: Contestants, report: Report, _: int) -> None:
    figures: Figures = {}
    for name in ("quiet", "laughs"):
        run, document = them.ours(them.sound(kind=name))
        figures[name] = {**run.figures(), "laughs": document["users"][0]["laughs"]["new"]}
        print(f"  {name}: {figures[name]['laughs']} laughs  {describe(run)}", flush=True)
    report.section("quiet", figures)


def limit(them: Contestants, report: Report, _: int) -> None:
    figures: Figures = {}
    for mib in (128, 96, 64, 48):
        group = Path(f"/sys/fs/cgroup/chortle-bench-{os.getpid()}")
        try:
            group.mkdir()
            (group / "memory.max").write_text(str(mib * MIB))
            if (swap := group / "memory.swap.max").exists():
                swap.write_text("0")
        except OSError as problem:
            if group.exists():
                group.rmdir()
            print(f"  left out: no memory-limited control group can be made here ({problem})")
            return
        try:
            run, _document = them.ours(them.sound(), group=group)
            figures[str(mib)] = run.figures()
            print(f"  {mib} MiB  {describe(run)}", flush=True)
        except BenchError as problem:
            figures[str(mib)] = None
            print(f"  {mib} MiB  did not end well: {str(problem).splitlines()[-1]}", flush=True)
        finally:
            group.rmdir()
    report.section("limit", figures)


def describe(run: Measured) -> str:
    return f"wall {run.wall_s:7.2f} s  CPU {run.cpu_s:7.2f} s  peak {run.peak_pss_bytes / MIB:7.1f} MiB"


def medians(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(row[key] for row in rows) for key in rows[0]}


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


SECTIONS: dict[str, Callable[[Contestants, Report, int], None]] = {
    "hour": hour,
    "lengths": lengths,
    "interpreters": interpreters,
    "users": users,
    "spawn": spawn,
    "plugin": plugin,
    "quiet": quiet,
    "limit": limit,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, default=5, help="how often each is run where rounds are compared")
    parser.add_argument("--peers", type=Path, default=None, help="the folder of the peers")
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    WORK.mkdir(parents=True, exist_ok=True)
    report = Report()
    try:
        them = Contestants(options.peers)
        for name in options.sections or SECTIONS:
            print(f"{name}:", flush=True)
            SECTIONS[name](them, report, options.rounds)
    except BenchError as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    finally:
        for leftover in WORK.glob("run-*"):
            shutil.rmtree(leftover, ignore_errors=True)
    print(f"figures: {RESULTS.relative_to(ROOT)}")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
