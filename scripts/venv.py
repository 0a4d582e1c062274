#!/usr/bin/env python3
"""Makes the Python environments of the checkout: for the tests, the linters, the generator and the bench.

usage: venv.py PURPOSE...      PURPOSE is one of test, lint, generate, bench

test      .venv with what the Python tests import, and a Postgres unless the machine has one
lint      .venv with the linters and what the tests import
generate  .venv/generate with the generator of the Python stubs, apart because it needs an old protobuf
bench     .venv/peers/NAME with what each peer of the bench imports

Everything is pinned by sha256, nothing needs root. What is there is left alone, so that a second run is quick and
touches no network. Chortle itself needs none of it: `orchestrator setup` fetches what it needs.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PURPOSES = ("test", "lint", "generate", "bench")


class VenvError(Exception):
    """An environment could not be made; the message says what to do about it."""


def main(purposes: list[str]) -> int:
    if not purposes or not set(purposes) <= set(PURPOSES):
        print(__doc__, file=sys.stderr)
        return 2
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # before what pip prints
    try:
        (ROOT / "build").mkdir(exist_ok=True)
        with open(ROOT / "build" / ".venv.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for purpose in purposes:
                bring(purpose)
    except (VenvError, OSError) as problem:
        print(f"venv: {problem}", file=sys.stderr)
        return 1
    return 0


def bring(purpose: str) -> None:
    if purpose == "generate":
        environment(VENV / "generate")
        install(VENV / "generate", "generate")
        return
    if purpose == "bench":
        for peer in ("litert", "mediapipe"):
            environment(VENV / "peers" / peer)
            install(VENV / "peers" / peer, f"peer-{peer}")
        return
    environment(VENV)
    install(VENV, "test")
    if purpose == "lint":
        install(VENV, "lint")
    elif not has_postgres():
        install(VENV, "postgres")


def has_postgres() -> bool:
    """Whether the machine has a Postgres server that internal/pgtest finds."""
    return bool(shutil.which("initdb") or glob.glob("/usr/lib/postgresql/*/bin/initdb"))


def environment(venv: Path) -> None:
    """Makes a virtual environment, unless this very Python made it there already."""
    made_by = venv / ".chortle-python"
    this = f"{venv} {os.path.realpath(sys.executable)} {sys.version}"
    if made_by.exists() and made_by.read_text() == this:
        return
    shutil.rmtree(venv, ignore_errors=True)
    run([sys.executable, "-m", "venv", "--without-pip", str(venv)], f"make {venv}: install python3-venv")
    if venv == VENV:  # as an editable install, but without a build
        next(venv.glob("lib/python*/site-packages")).joinpath("chortle.pth").write_text(f"{ROOT}/python/src\n")
    made_by.write_text(this)


def install(venv: Path, name: str) -> None:
    """Brings requirements-NAME.txt into a virtual environment, unless it is there in this very version."""
    file = ROOT / "python" / f"requirements-{name}.txt"
    stamp = venv / f".chortle-{name}"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"venv: installing python/{file.name} into {venv}")
    wanted = ["--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--disable-pip-version-check"]
    run([*pip(venv), "install", *wanted, "-r", str(file)], f"install python/{file.name}")
    stamp.write_text(digest)


def pip(venv: Path) -> list[str]:
    """The command of a pip that installs into venv: this Python's own, where it can; else one put there."""
    python = str(venv / "bin" / "python")
    answer = subprocess.run([sys.executable, "-m", "pip", "--version"], check=False, capture_output=True, text=True)
    version = answer.stdout.split()[1].split(".") if answer.returncode == 0 else ["0", "0"]
    if (int(version[0]), int(version[1])) >= (22, 3):
        return [sys.executable, "-m", "pip", "--python", python]
    if not (venv / "bin" / "pip3").exists():
        run([python, "-m", "ensurepip"], f"put pip into {venv}: install pip 22.3 or newer for {sys.executable}")
    return [python, "-m", "pip"]


def run(command: list[str], what: str) -> None:
    if code := subprocess.run(command, check=False).returncode:
        raise VenvError(f"{what}: {' '.join(command[:4])} … ended with exit code {code}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
