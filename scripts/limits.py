"""The section `limit` of the bench: the hour in control groups that let it have little memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from contestants import ROOT, Contestants
from measure import BenchError
from suites import MB, Figures, describe

if TYPE_CHECKING:
    from bench import Report

CGROUPS = Path("/sys/fs/cgroup")


@contextmanager
def group(limit: int) -> Iterator[Path]:
    """A control group of either version whose processes may have so many bytes, page cache and all, and no swap."""
    second = (CGROUPS / "cgroup.controllers").exists()
    made = (CGROUPS if second else CGROUPS / "memory") / f"chortle-bench-{os.getpid()}"
    limits = ("memory.max", "memory.swap.max") if second else ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
    made.mkdir()
    try:
        (made / limits[0]).write_text(str(limit))
        if (swap := made / limits[1]).exists():
            swap.write_text("0" if second else str(limit))
        yield made
    finally:
        made.rmdir()


def limit(them: Contestants, report: Report, _: int) -> None:
    sound = them.sound()
    wanted = them.ours(sound)[1]["users"][0]["laughs"]["new"]
    figures: Figures = {"laughs": wanted, "groups": {}}
    for size in (128, 96, 64, 48):
        try:
            with group(size * MB) as made:
                forget(sound, ROOT / "bin" / "orchestrator", ROOT / "bin" / "inferd", *(them.cache / "lib").iterdir())
                enter = ["sh", "-c", f'echo $$ >"{made}/cgroup.procs" && exec "$@"', "sh"]
                try:
                    run, document = them.ours(sound, before=enter)
                except BenchError as problem:
                    figures["groups"][str(size)] = None
                    print(f"  {size} MB  did not end well: {str(problem).splitlines()[-1]}", flush=True)
                    continue
        except OSError as problem:
            print(f"  left out: no memory-limited control group can be made here ({problem})")
            return
        laughs = document["users"][0]["laughs"]["new"]
        figures["groups"][str(size)] = {**run.figures(), "laughs": laughs}
        print(f"  {size} MB  {laughs} of {wanted} laughs  {describe(run)}", flush=True)
    at64 = figures["groups"]["64"]
    missing = wanted - at64["laughs"] if at64 else wanted
    report.target(figures, "laughs that are missing in a group of 64 MB", abs(missing), 0, "")
    report.section("limit", figures)


def forget(*files: Path) -> None:
    """Takes files out of the page cache, so that it is the group that pays for them."""
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
