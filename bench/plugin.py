"""What a model of one's own costs: Python's YAMNet against its loop without a bridge, and the bridge alone.

The orchestrator measures itself here (orchestrator models bench), so that only the way to the model counts,
and neither decoding nor storing.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from contestants import ROOT, WORK, Contestants
from measure import BenchError, measure
from report import Report

PYTHON = ROOT / ".venv" / "bin" / "python"
LENGTH = 3600  # seconds of sound
HOURS = 24  # of sound through the bridge alone: starting and stopping then do not count
MARK = f"CHORTLE_TEST_BENCH={os.getpid()}"

# The model's own loop: every window of an hour, one after another, in one process without any bridge.
LOOP = """
import sys, time
import numpy as np
from chortle_yamnet import YAMNet

model, length = YAMNet(), int(sys.argv[1]) * 16000
about = model.describe()
sound = np.random.default_rng(1).uniform(-0.1, 0.1, length).astype(np.float32)
began = time.monotonic()
for at in range(0, length - about.window_samples + 1, about.hop_samples):
    model.predict(sound[at : at + about.window_samples])
print(time.monotonic() - began)
"""


def plugin(them: Contestants, report: Report, rounds: int) -> None:
    """The section `plugin` of the bench."""
    if not PYTHON.exists():
        raise BenchError(f"find {PYTHON}: run make setup")
    ratios, cold, alone, bridged, bridge = [], [], [], [], []
    for number in range(rounds):
        ready = evicted(them)
        cold.append(ready)
        if number % 2:
            loop, through = unbridged(them), bench(them, f"{PYTHON} -m chortle_yamnet")
        else:
            through, loop = bench(them, f"{PYTHON} -m chortle_yamnet"), unbridged(them)
        nothing = bench(them, str(ROOT / "bin" / "inferd"), "taskset", "-c", "0", hours=HOURS, CHORTLE_WEIGHTS="fake")
        ratios.append(through["seconds"] / loop)
        alone.append(loop)
        bridged.append(through["seconds"])
        # CPU and not wall time: on one core they are the same, where nobody else is at work there.
        bridge.append(HOURS * 3600 / nothing["cpu_s"])
        print(
            f"  round {number + 1}  Python's YAMNet {through['seconds']:6.2f} s, its own loop {loop:6.2f} s: "
            f"{ratios[-1]:.2f}  cold start {ready:.2f} s  bridge alone {bridge[-1]:,.0f} times real time",
            flush=True,
        )
    left = survivors()
    figures: dict[str, Any] = {
        "rounds": {
            "bridged_s": bridged,
            "loop_s": alone,
            "ratio": ratios,
            "cold_start_s": cold,
            "bridge_times_real_time": bridge,
        },
        "left": left,
    }
    report.target(figures, "Python's YAMNet against its own loop", statistics.median(ratios), 1.35, "times")
    report.target(figures, "a cold Python plugin is ready after", statistics.median(cold), 1.5, "s")
    hour = LENGTH / statistics.median(bridge)
    report.target(figures, "CPU of an hour through the bridge alone", hour, LENGTH / 20_000, "s")
    report.target(figures, "plugin processes left", len(left), 0, "")
    report.section("plugin", figures)


def bench(them: Contestants, command: str, *before: str, hours: int = 1, **settings: str) -> dict[str, Any]:
    """What the orchestrator says of a model that it streams sound through."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=WORK) as home:
        models = Path(home, "models.toml")
        name, value = MARK.split("=")
        models.write_text(f"[measured]\ncommand = {json.dumps(command)}\nenv = {{ {name} = {json.dumps(value)} }}\n")
        own = {"CHORTLE_DATA_DIR": home, "CHORTLE_MODELS_FILE": str(models), "XDG_CONFIG_HOME": home}
        orchestrator = str(ROOT / "bin" / "orchestrator")
        command_line = [*before, orchestrator, "models", "bench", "measured", "--json", "--length", f"{hours}h"]
        run = measure(command_line, {**them.environment, **own, **settings}, WORK)
    figures: dict[str, Any] = json.loads(run.output)
    return figures | {"cpu_s": run.cpu_s}


def unbridged(them: Contestants) -> float:
    return float(call([str(PYTHON), "-c", LOOP, str(LENGTH)], them.environment))


def evicted(them: Contestants) -> float:
    """Seconds until a Python plugin is ready whose files have to come from the disk, as after a night."""
    for folder in (ROOT / ".venv", them.cache / "models", ROOT / "python" / "src"):
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                descriptor = os.open(path, os.O_RDONLY)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)
    return float(bench(them, f"{PYTHON} -m chortle_yamnet")["ready_seconds"])


def survivors() -> list[int]:
    """Processes that are a plugin of this bench and still there."""
    left = []
    for entry in os.scandir("/proc"):
        try:
            environment = Path(entry.path, "environ").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if MARK.encode() in environment.split(b"\0"):
            left.append(int(entry.name))
    return left


def call(command: list[str], environment: dict[str, str]) -> str:
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=WORK)
    if ended.returncode:
        print(ended.stderr, file=sys.stderr)
        raise BenchError(f"{' '.join(command)} ended with exit code {ended.returncode}")
    return ended.stdout
