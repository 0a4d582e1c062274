"""The sections of the bench that run whole days."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from contestants import ROOT, Contestants
from measure import BenchError, Measured
from postgres import Postgres
from report import Figures, Report

MB = 1_000_000
PEAK = 64  # MB that the tree may take
FASTEST = "the fastest peer with the same hop"


def describe(run: Measured) -> str:
    return f"wall {run.wall_s:7.2f} s  CPU {run.cpu_s:7.2f} s  peak {run.peak_pss_bytes / MB:7.1f} MB"


def medians(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(row[key] for row in rows) for key in rows[0]}


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def rounds_of(runs: dict[str, Callable[[], Measured]], rounds: int) -> dict[str, list[dict[str, float]]]:
    """Runs each of them once a round, the first of a round another one each time."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    for number in range(rounds):
        names = list(runs)
        first = number % len(names)
        for name in names[first:] + names[:first]:
            run = runs[name]()
            rows[name].append(run.figures())
            print(f"  round {number + 1}  {name:18} {describe(run)}", flush=True)
    return rows


def ratio(mine: list[dict[str, float]], theirs: list[dict[str, float]]) -> Figures:
    """One against another, round by round."""
    keys = ("wall_s", "cpu_s", "peak_pss_bytes")
    return {key: spread([one[key] / other[key] for one, other in zip(mine, theirs)]) for key in keys}


def hour(them: Contestants, report: Report, rounds: int) -> None:
    sound = them.sound()
    rows = rounds_of({"chortle": lambda: them.ours(sound)[0], **them.peers(sound)}, rounds)
    figures: Figures = {"rounds": rows, "medians": {name: medians(row) for name, row in rows.items()}}
    figures["ratios"] = {name: ratio(rows["chortle"], row) for name, row in rows.items() if name != "chortle"}
    for name, compared in figures["ratios"].items():
        told = (f"{k} {v['median']:.2f} ({v['least']:.2f} to {v['most']:.2f})" for k, v in compared.items())
        print(f"  ours against {name}: {', '.join(told)}")
    report.target(figures, "peak memory, one hour", figures["medians"]["chortle"]["peak_pss_bytes"] / MB, PEAK, "MB")
    same = [name for name in figures["ratios"] if name.startswith("litert")]
    if same:
        best = min(same, key=lambda name: figures["medians"][name]["wall_s"])
        figures["fastest"] = best
        report.target(
            figures, f"wall time against {FASTEST}", figures["ratios"][best]["wall_s"]["median"], 0.45, "times"
        )
        report.target(figures, f"CPU time against {FASTEST}", figures["ratios"][best]["cpu_s"]["median"], 0.6, "times")
    report.section("hour", figures)


def lengths(them: Contestants, report: Report, _: int) -> None:
    rows: dict[str, dict[str, float]] = {}
    for hours in (1, 6, 24):
        run = them.ours(them.sound(hours))[0]
        rows[str(hours)] = run.figures()
        print(f"  {hours:2} h  {describe(run)}", flush=True)
    figures: Figures = {"hours": rows}
    peaks = [row["peak_pss_bytes"] for row in rows.values()]
    report.target(figures, "peak memory of 1, 6 and 24 hours", max(peaks) / MB, PEAK, "MB")
    report.target(
        figures, "peak memory of the longest against one hour's", (peaks[-1] / peaks[0] - 1) * 100, 5, "% more"
    )
    each = rows["24"]["cpu_s"] / 24 / rows["1"]["cpu_s"]
    report.target(figures, "CPU time of an hour of the longest against one hour's", each, 1.1, "times")
    report.section("lengths", figures)


def stores(them: Contestants, report: Report, rounds: int) -> None:
    sound = them.sound()
    runs: dict[str, Callable[[], Measured]] = {"sqlite": lambda: them.ours(sound)[0]}
    with Postgres() as postgres:
        if postgres.missing:
            print(f"  Postgres is left out: {postgres.missing}")
        else:
            runs["postgres"] = lambda: them.ours(sound, CHORTLE_DATABASE_URL=postgres.database())[0]
        rows = rounds_of(runs, min(rounds, 3))
    figures: Figures = {"rounds": rows, "medians": {name: medians(row) for name, row in rows.items()}}
    for name, row in rows.items():
        report.target(figures, f"peak memory with {name}", max(one["peak_pss_bytes"] for one in row) / MB, PEAK, "MB")
    report.section("stores", figures)


def interpreters(them: Contestants, report: Report, rounds: int) -> None:
    def run(count: str) -> Callable[[], Measured]:
        return lambda: them.ours(them.sound(), CHORTLE_MODEL_THREADS=count)[0]

    rows = rounds_of({count: run(count) for count in ("1", "2", "4")}, min(rounds, 3))
    report.section("interpreters", {"rounds": rows, "medians": {count: medians(row) for count, row in rows.items()}})


def quiet(them: Contestants, report: Report, rounds: int) -> None:
    laughs: dict[str, int] = {}

    def run(name: str, kind: str, silence: str = "") -> Callable[[], Measured]:
        def measured() -> Measured:
            taken, document = them.ours(them.sound(kind=kind), CHORTLE_SILENCE=silence or "-76")
            laughs[name] = document["users"][0]["laughs"]["new"]
            return taken

        return measured

    gate = run("quiet, gate off", "quiet", "off")
    rows = rounds_of({"quiet": run("quiet", "quiet"), "busy": run("busy", "busy"), "quiet, gate off": gate}, rounds)
    figures: Figures = {"rounds": rows, "laughs": laughs, "medians": {name: medians(row) for name, row in rows.items()}}
    figures["ratios"] = ratio(rows["quiet"], rows["busy"])
    print(f"  laughs: {laughs}")
    report.target(
        figures, "wall time of the quiet day against the busy one", figures["ratios"]["wall_s"]["median"], 0.5, "times"
    )
    lost = abs(laughs["quiet"] - laughs["quiet, gate off"])
    report.target(figures, "laughs of the quiet day that the gate changes", lost, 0, "")
    report.section("quiet", figures)


def users(them: Contestants, report: Report, _: int) -> None:
    run, document = them.ours(them.sound(seconds=180), users=20)
    memory = [user["memory"] for user in document["users"]]
    figures: Figures = {**run.figures(), "users": memory, "seconds": [user["seconds"] for user in document["users"]]}
    print(f"  20 users  {describe(run)}")
    kept = max(user["after_bytes"] - user["before_bytes"] for user in memory)
    alive = sum(not user["model_gone"] or Path(f"/proc/{user['model_pid']}").exists() for user in memory)
    report.target(figures, "memory kept after a user, the worst of 20", kept / MB, 5, "MB")
    grown = memory[-1]["after_bytes"] - memory[0]["before_bytes"]
    report.target(figures, "memory kept after 20 users", grown / MB, 5, "MB")
    report.target(figures, "model processes left", alive, 0, "")
    # The program samples by itself, too: the peak of a day as short as these may fall between two of ours.
    figures["peak_pss_bytes"] = max(run.peak_pss_bytes, *(user["peak_bytes"] for user in memory))
    report.target(figures, "peak memory, 20 users", figures["peak_pss_bytes"] / MB, PEAK, "MB")
    report.section("users", figures)


def spawn(them: Contestants, report: Report, rounds: int) -> None:
    second = them.sound(seconds=1)
    each, cpu = [], []
    for _ in range(rounds):
        one, many = them.ours(second)[0], them.ours(second, users=21)[0]
        each.append((many.wall_s - one.wall_s) / 20 * 1000)
        cpu.append((many.cpu_s - one.cpu_s) / 20 * 1000)
        print(f"  {each[-1]:.0f} ms for each further user, {cpu[-1]:.0f} ms of a processor", flush=True)
    figures: Figures = {"milliseconds": spread(each), "cpu_milliseconds": spread(cpu)}
    report.target(figures, "a user with one second of sound, all told", figures["milliseconds"]["median"], 150, "ms")
    report.section("spawn", figures)


def start(_: Contestants, report: Report, rounds: int) -> None:
    """From the command to its end, where nothing is done, and where the settings are read."""
    figures: Figures = {"bytes": {name: (ROOT / "bin" / name).stat().st_size for name in ("orchestrator", "inferd")}}
    for name in ("version", "config"):
        taken = []
        for _round in range(rounds * 4):
            began = time.monotonic()
            ended = subprocess.run([str(ROOT / "bin" / "orchestrator"), name], check=False, capture_output=True)
            taken.append((time.monotonic() - began) * 1000)
            if ended.returncode:
                raise BenchError(f"orchestrator {name} ended with exit code {ended.returncode}")
        figures[name] = spread(taken)
        print(f"  orchestrator {name}: {figures[name]['median']:.0f} ms", flush=True)
    report.section("start", figures)
