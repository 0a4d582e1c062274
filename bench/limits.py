"""The section `limit` of the bench: the hour in control groups that let it have little memory."""

from __future__ import annotations

import os
from pathlib import Path

from contestants import ROOT, Contestants
from measure import BenchError
from report import Figures, Report
from suites import MB, describe
from within import enter, group


def limit(them: Contestants, report: Report, _: int) -> None:
    sound = them.sound()
    wanted = them.ours(sound)[1]["users"][0]["laughs"]["new"]
    figures: Figures = {"laughs": wanted, "groups": {}}
    for size in (128, 96, 64, 48):
        try:
            with group(size * MB) as made:
                forget(sound, ROOT / "bin" / "orchestrator", ROOT / "bin" / "inferd", *(them.cache / "lib").iterdir())
                try:
                    run, document = them.ours(sound, before=enter(made))
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
