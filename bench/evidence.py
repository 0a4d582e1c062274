#!/usr/bin/env python3
"""Shows what Chortle does by commands and what they print, and writes docs/evidence.md.

usage: evidence.py [OUTPUT]

The rows are in evidence.txt. They are run in a folder of their own, against a server on loopback that is what the
Limitless API is, with one call in ten failing. A row whose command ends or prints otherwise than it should is an
error, and nothing is written.
"""

from __future__ import annotations

import datetime
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from installed import cache_dir

ROOT = Path(__file__).resolve().parent.parent
LINES = 16  # of a row's output, at most
PATIENCE = 900  # seconds for one row
WIDTH = 150


class EvidenceError(Exception):
    """A row did not come out as it should; the message shows what it printed."""


@dataclass(frozen=True)
class Row:
    """One thing that is shown, in a part of the page. What its command prints must match every expression in shows."""

    part: str
    heading: str
    command: str
    shows: tuple[str, ...]
    code: int = 0
    checkout: bool = False
    whole: bool = False

    def __str__(self) -> str:
        return f"{self.part}: {self.heading}"


HEAD = """# Evidence

What Chortle promises, each with the command that shows it and what that printed. `make evidence` runs all of it again,
on made sound, and writes this page ({when}); a command that ends or prints otherwise than it should makes it fail.
`$PLACE` is a folder of its own, `$DAY` the day of the sound, and the API is a server on loopback that fails one call
in ten.
"""

PARTS = ("Laughs", "A night", "Memory", "Failures", "Alerts", "Data", "Settings", "Install")  # in the page's order


def read_rows(path: Path) -> list[Row]:
    """Reads the rows of a file; it says itself how they are written."""
    rows: list[Row] = []
    for block in re.split(r"\n\s*\n", path.read_text()):
        part, heading, command, shows, code, flags = "", "", [], [], 0, set()
        for line in block.splitlines():
            if begin := re.fullmatch(r"\* ([^:]+): (.+)", line):
                part, heading = begin[1], begin[2]
            elif line.startswith("    "):
                command.append(line[4:])
            elif line.startswith("= "):
                shows.append(line[2:])
            elif line.startswith("code "):
                code = int(line[5:])
            elif line in ("checkout", "whole"):
                flags.add(line)
            elif line and not line.startswith("#"):
                raise EvidenceError(f"{path.name}: {line!r} is not understood")
        if part not in ("", *PARTS):
            raise EvidenceError(f"{path.name}: there is no part {part!r} of the page")
        if heading:
            code_lines = "\n".join(command)
            rows.append(Row(part, heading, code_lines, tuple(shows), code, "checkout" in flags, "whole" in flags))
    return rows


def main(arguments: list[str]) -> int:
    if len(arguments) > 1:
        print(__doc__, file=sys.stderr)
        return 2
    target = Path(arguments[0]) if arguments else ROOT / "docs" / "evidence.md"
    try:
        with tempfile.TemporaryDirectory(prefix="chortle-evidence-") as place:
            rows = read_rows(Path(__file__).with_suffix(".txt"))
            page = write(rows, Path(place))
    except (EvidenceError, OSError, subprocess.SubprocessError) as problem:
        print(f"evidence: {problem}", file=sys.stderr)
        return 1
    target.write_text(page)
    print(f"evidence: {target} shows {len(rows)} things")
    return 0


def write(rows: list[Row], place: Path) -> str:
    """Runs every row and returns the page, its rows by part."""
    day = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).date()
    port = free_port()
    environment = {
        "PLACE": str(place),
        "ROOT": str(ROOT),
        "DAY": str(day),
        "HOME": str(place / "home"),
        "LANG": "C.UTF-8",
        "PATH": f"{ROOT / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "TMPDIR": str(place),
        "CHORTLE_CACHE_DIR": str(cache_dir()),
        "CHORTLE_DATA_DIR": str(place / "data"),
        "CHORTLE_SECRET_KEY_FILE": str(place / "secret.key"),
        "CHORTLE_LIMITLESS_URL": f"http://127.0.0.1:{port}",
        "CHORTLE_LIMITLESS_PAUSE": "50ms",
        "CHORTLE_CHUNK_MINUTES": "120",
        "CHORTLE_EMPTY_NIGHTS": "0",
        "CHORTLE_ALERT_FAILED_CALLS": "50%",  # one in ten is what the server does
    }
    (place / "home").mkdir()
    answers: dict[str, list[str]] = {part: [] for part in PARTS}
    with server(place, port, day, environment):
        for row in rows:
            print(f"evidence: {row}", flush=True)
            output = answer(row, place, environment)
            shown = [f"$ {line}" if i == 0 else f"  {line}" for i, line in enumerate(row.command.strip().splitlines())]
            body = "\n".join(f"    {line}".rstrip() for line in [*shown, *output.splitlines()])
            answers[row.part].append(f"### {row.heading[0].upper()}{row.heading[1:]}\n\n{body}\n")
    parts = [HEAD.format(when=datetime.date.today())]
    for part, shown in answers.items():
        parts += [f"## {part}\n", *shown]
    return "\n".join(parts)


@contextmanager
def server(place: Path, port: int, day: datetime.date, environment: dict[str, str]) -> Iterator[None]:
    """The API, on loopback, until the end of the block."""
    program = place / "limitless"
    subprocess.run(["go", "build", "-o", program, "./bench/limitless"], cwd=ROOT, check=True)
    command: list[str | Path] = [
        program,
        "--listen",
        f"127.0.0.1:{port}",
        "--date",
        str(day),
        "--dir",
        str(place / "server"),
    ]
    command += ["--minutes", "12", "--fail", "10"]
    own = dict(environment)
    del own["CHORTLE_SECRET_KEY_FILE"]  # there is none yet
    with open(place / "server.log", "w") as log:
        process = subprocess.Popen(command, env=own, cwd=place, stdout=log, stderr=log)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise EvidenceError(f"the server ended: {(place / 'server.log').read_text()}")
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def answer(row: Row, place: Path, environment: dict[str, str]) -> str:
    """Runs a row and returns what it printed, fit for the page."""
    bash = shutil.which("bash") or "/bin/bash"
    own = {**os.environ, "PLACE": str(place), "CHORTLE_TEST_REQUIRE": "1"} if row.checkout else environment
    done = subprocess.run(
        [bash, "-c", row.command],
        env=own,
        cwd=ROOT if row.checkout else place,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
    )
    output = done.stdout
    for path, name in ((str(place), "$PLACE"), (str(cache_dir()), "$CACHE"), (str(ROOT), "$ROOT")):
        output = output.replace(path, name)
    output = re.sub(r"\x1b\[[0-9;]*m", "", output)
    if done.returncode != row.code or re.search(r"(?m)\bFAIL\b", output):
        raise EvidenceError(f"{row}: it ended with code {done.returncode}, not {row.code}:\n{output}")
    for expression in row.shows:
        if not re.search(expression, output):
            raise EvidenceError(f"{row}: it does not show {expression!r}:\n{output}")
    lines = [line if len(line) <= WIDTH else line[: WIDTH - 1] + "…" for line in output.rstrip().splitlines()]
    if len(lines) > LINES and not row.whole:
        lines = [*lines[: LINES - 1], f"… and {len(lines) - LINES + 1} lines more"]
    return "\n".join(lines)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
