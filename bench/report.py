"""What the bench measured: figures by section in build/bench.json, and the targets that were met or missed."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build" / "bench.json"
Figures = dict[str, Any]


class Report:
    """Collects figures and verdicts, and prints them as they come."""

    def __init__(self) -> None:
        self.missed = 0

    def section(self, name: str, figures: Figures) -> None:
        figures["measured_at"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
        figures["machine"] = machine()
        results: Figures = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        results[name] = figures
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")

    def target(self, figures: Figures, what: str, value: float, limit: float, unit: str) -> None:
        """Holds a figure that must be at most its limit."""
        met = value <= limit
        self.missed += not met
        print(f"{'PASS' if met else 'FAIL'}  {what}: {value:.3g} {unit}, at most {limit:g}", flush=True)
        figures.setdefault("targets", []).append(
            {"what": what, "value": value, "limit": limit, "unit": unit, "met": met}
        )


def machine() -> Figures:
    models = [line.split(":")[1].strip() for line in read("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(read("/proc/meminfo")[0].split()[1]) / 2**20, 1),
        "load": os.getloadavg()[0],
        "go": answer("go", "env", "GOVERSION"),
        "python": platform.python_version(),
        "version": answer("git", "describe", "--tags", "--always", "--dirty"),
    }


def read(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def answer(*command: str) -> str:
    """What a command prints; empty where it fails."""
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT).stdout.strip()
