#!/usr/bin/env python3
"""Measures Chortle, and the peers on the same sound, and says which targets are met.

usage: bench.py [SECTION...] [--rounds N] [--peers FOLDER]

hour          an hour of Ogg Opus: ours and the peers by turns, compared within each round
stages        what each stage of that hour takes of a processor, and what the transport would by other choices
lengths       1, 6 and 24 hours in one recording: time in proportion, and memory that does not grow
stores        the hour into SQLite and into Postgres
interpreters  the hour with 1, 2 and 4 interpreters side by side
quiet         an hour of which four fifths are near-silence, and one full of laughs, by turns
users         twenty users, one after another: what each gives back, and how long one takes
spawn         twenty users with a second of sound each: what starting, checking and killing a model costs
start         the programs: their size, and how long the orchestrator takes until it does something
plugin        Python's YAMNet against its own loop, the bridge alone, a cold start of a Python plugin
limit         the hour in memory-limited control groups, where they can be made

Without a section: all of them. Figures go to build/bench.json, section by section; bench/charts.py
writes docs/benchmarks.md from it. Memory is the proportional set size of the whole process tree, in MB of
1,000,000 bytes. Exit code 1: a target was missed; 2: a measurement could not be made. The peers' folder is
CHORTLE_PEERS, else shared/peers beside the checkout; without it they are left out.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import suites
from contestants import ROOT, WORK, Contestants
from limits import limit
from measure import BenchError
from plugin import plugin
from report import RESULTS, Report
from stages import stages

SECTIONS: dict[str, Callable[[Contestants, Report, int], None]] = {
    "hour": suites.hour,
    "stages": stages,
    "lengths": suites.lengths,
    "stores": suites.stores,
    "interpreters": suites.interpreters,
    "quiet": suites.quiet,
    "users": suites.users,
    "spawn": suites.spawn,
    "start": suites.start,
    "plugin": plugin,
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
