#!/usr/bin/env python3
"""Runs a command in a control group that lets it have little memory, and says what it took.

usage: within.py MB COMMAND...

Ends as the command did, or with 77 where no such group can be made.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
CANNOT = 77
MB = 1_000_000


@contextmanager
def group(limit: int) -> Iterator[Path]:
    """A control group of either version whose processes may have so many bytes, page cache and all, and no swap."""
    second = (CGROUPS / "cgroup.controllers").exists()
    made = (CGROUPS if second else CGROUPS / "memory") / f"chortle-{os.getpid()}"
    limits = ("memory.max", "memory.swap.max") if second else ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
    made.mkdir()
    try:
        (made / limits[0]).write_text(str(limit))
        if (swap := made / limits[1]).exists():
            swap.write_text("0" if second else str(limit))
        yield made
    finally:
        made.rmdir()


def enter(made: Path) -> list[str]:
    """What comes before a command that is to run in the group."""
    return ["sh", "-c", f'echo $$ >"{made}/cgroup.procs" && exec "$@"', "sh"]


def first(made: Path, *names: str) -> str:
    """The content of the first of these files that the group has: they differ between versions."""
    return next((made / name).read_text() for name in names if (made / name).exists())


def main(arguments: list[str]) -> int:
    if len(arguments) < 2 or not arguments[0].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    megabytes = int(arguments[0])
    try:
        with group(megabytes * MB) as made:
            code = subprocess.run([*enter(made), *arguments[1:]], check=False).returncode
            killed = re.findall(r"(?m)^oom_kill (\d+)", first(made, "memory.events", "memory.oom_control"))
            most = int(first(made, "memory.peak", "memory.max_usage_in_bytes")) / MB
    except OSError as problem:
        print(f"no memory-limited control group can be made here: {problem}", file=sys.stderr)
        return CANNOT
    print(f"allowed {megabytes} MB, no swap: at most {most:.1f} MB taken, {''.join(killed) or '?'} processes killed")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
