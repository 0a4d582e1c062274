"""The section `stages` of the bench: what each stage of an hour takes, by the benchmarks of the packages."""

from __future__ import annotations

import os
import re
import subprocess

from contestants import ROOT, Contestants
from measure import BenchError
from report import Figures, Report

FRAMES = 7500  # of an hour
BLOCKS = 360
LINE = re.compile(r"^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$", re.MULTILINE)

Values = dict[str, float]


def benchmarks(package: str, pattern: str, time: str = "2s") -> dict[str, Values]:
    """The figures of Go benchmarks by name and unit."""
    command = ["go", "test", f"./{package}", "-run", "-", "-bench", pattern, "-benchtime", time]
    environment = {**os.environ, "CHORTLE_TEST_REQUIRE": "1"}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment)
    if ended.returncode:
        raise BenchError(f"{' '.join(command)} ended with exit code {ended.returncode}:\n{ended.stdout}")
    found = {}
    for name, values in LINE.findall(ended.stdout):
        fields = values.split()
        found[name] = {unit: float(value) for value, unit in zip(fields[::2], fields[1::2])}
    if not found:
        raise BenchError(f"{' '.join(command)} measured nothing")
    return found


def stages(_: Contestants, report: Report, __: int) -> None:
    nanoseconds = 1e-9
    decode = benchmarks("orchestrator/audio", "Decode/(libopus|go|ffmpeg-opus)$")
    network = benchmarks("inferd/yamnet", "WholeModel|OwnFrontEnd|FrontEndAlone")
    transport = benchmarks("inferd/serve", "Transport", "5x")
    rounding = benchmarks("orchestrator/modelhost", "AppendPCM")["AppendPCM"]["cpu-ns/op"] * BLOCKS * nanoseconds
    detect = benchmarks("orchestrator/detect", "LaughsOfADay")["LaughsOfADay"]["ns/op"] / 24 * nanoseconds
    store = benchmarks("orchestrator/store/sqlite", "SaveDay")["SaveDay"]["ns/op"] / 24 * nanoseconds
    chosen = next(v for k, v in transport.items() if "samples=54000/unanswered=4/PCM_ENCODING_S16LE/floor=0.00195" in k)

    def frames(name: str) -> float:
        return network[name]["cpu-µs/frame"] * FRAMES / 1e6

    front = frames("FrontEndAlone")
    seconds = {
        "decode": 3600 / decode["Decode/libopus"]["x-real-time-cpu"],
        "transport": rounding + chosen["cpu-ms/hour"] / 1000,
        "front end": front,
        "network": frames("OwnFrontEnd") - front,
        "detect": detect,
        "store": store,
    }
    total = sum(seconds.values())
    floor = (seconds["decode"] + seconds["network"]) / (os.cpu_count() or 1)
    figures: Figures = {
        "cpu_s": seconds,
        "floor_wall_s": floor,
        "decoders_cpu_s": {name.split("/")[1]: 3600 / values["x-real-time-cpu"] for name, values in decode.items()},
        "whole_model_cpu_s": frames("WholeModel"),
        "transport_ms": {name.split("/", 1)[1]: values["cpu-ms/hour"] for name, values in transport.items()},
    }
    for name, value in seconds.items():
        print(f"  {name:10} {value:6.3f} s of a processor for an hour, {100 * value / total:4.1f} %", flush=True)
    print(f"  floor: {floor:.2f} s on {os.cpu_count()} cores (decoding and network)")
    report.target(figures, "the bridge's share of CPU", 100 * seconds["transport"] / total, 3, "%")
    report.section("stages", figures)
