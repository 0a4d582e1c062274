"""Runs a command and measures it: wall and CPU seconds, and the peak memory of its whole process tree."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.05


class BenchError(Exception):
    """A measurement could not be made; the message says why."""


@dataclass(frozen=True)
class Measured:
    """One run. CPU counts descendants too; memory is the largest sum seen of the tree's proportional set sizes."""

    wall_s: float
    cpu_s: float
    peak_pss_bytes: int
    output: str

    def figures(self) -> dict[str, float]:
        figures = asdict(self)
        del figures["output"]
        return figures


def measure(command: list[str], environment: Mapping[str, str], folder: Path) -> Measured:
    """Runs a command in a folder to its end. A command that fails is an error: there is nothing to compare then."""
    peak = 0
    ended = threading.Event()
    start = time.monotonic()
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=folder) as process:

        def sample() -> None:
            nonlocal peak
            while not ended.wait(SAMPLE_SECONDS):
                peak = max(peak, sum(map(pss, tree(process.pid))))

        pipes: dict[str, str] = {}

        def drain(name: str) -> None:
            pipes[name] = getattr(process, name).read()

        threads = [threading.Thread(target=drain, args=(name,)) for name in ("stdout", "stderr")]
        threads.append(threading.Thread(target=sample))
        for thread in threads:
            thread.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        for thread in threads:
            thread.join()
    if process.returncode:
        last = "\n".join(pipes["stderr"].splitlines()[-12:])
        raise BenchError(f"{' '.join(command)} ended with exit code {process.returncode}:\n{last}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, peak, pipes["stdout"])


def tree(root: int) -> list[int]:
    """The process and all its descendants, as /proc shows them now."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = Path(entry.path, "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def pss(pid: int) -> int:
    """A process's proportional set size in bytes; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
