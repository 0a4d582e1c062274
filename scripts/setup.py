#!/usr/bin/env python3
"""Fetches what Chortle needs beside Go: libraries and programs out of wheels, the model, a Python environment.

usage: setup.py PURPOSE...      PURPOSE is one of run, test, lint, generate, bench

run       the model, the TF Lite library, libopus, and ffmpeg unless PATH has one that writes Opus
test      all of run, a Postgres (unless the machine has one) and the .venv with what the tests import
lint      the .venv with the linters and what the tests import
generate  the generator of the Python stubs, apart in .venv/generate, for it wants an old protobuf
bench     all of run, and what the peers of the bench import, each apart in the cache folder

Everything is pinned by sha256 and nothing needs root. Files go below CHORTLE_CACHE_DIR (by default chortle
in the user's cache folder), Python packages into .venv in the checkout. What is already there is checked and
left alone, so a second run is quick and touches no network.
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

import model
import parts

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PURPOSES = ("run", "test", "lint", "generate", "bench")


class SetupError(Exception):
    """Something could not be had; the message says what to do about it."""


def cache_dir() -> Path:
    """The cache folder, by the same rule as internal/cachedir."""
    if named := os.environ.get("CHORTLE_CACHE_DIR"):
        return Path(named).absolute()
    if (xdg := os.environ.get("XDG_CACHE_HOME", "")) and os.path.isabs(xdg):
        return Path(xdg) / "chortle"
    if home := os.environ.get("HOME"):
        return Path(home) / ".cache" / "chortle"
    raise SetupError("find the cache folder: neither CHORTLE_CACHE_DIR, XDG_CACHE_HOME nor HOME is set")


def main(purposes: list[str]) -> int:
    if not purposes or not set(purposes) <= set(PURPOSES):
        print(__doc__, file=sys.stderr)
        return 2
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # before what pip says
    try:
        if sys.platform != "linux":
            raise SetupError(f"Chortle runs on Linux; this is {sys.platform}")
        cache = cache_dir()
        cache.mkdir(parents=True, exist_ok=True)
        with open(cache / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for purpose in purposes:
                bring(purpose, cache)
    except (SetupError, parts.PartError, model.ModelError, OSError) as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    return 0


def bring(purpose: str, cache: Path) -> None:
    if purpose in ("run", "test", "bench"):
        model.fetch(cache)
        parts.fetch_runtime(cache)
    if purpose in ("test", "lint", "generate"):
        environment(VENV)
    if purpose in ("test", "lint"):
        install(VENV, "test")
    if purpose == "test" and not has_postgres():
        install(VENV, "postgres")
    if purpose == "lint":
        install(VENV, "lint")
    if purpose == "generate":
        environment(VENV / "generate")
        install(VENV / "generate", "generate")
    if purpose == "bench":
        for peer in ("litert", "mediapipe"):
            environment(cache / "peers" / peer)
            install(cache / "peers" / peer, f"peer-{peer}")


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
    run([sys.executable, "-m", "venv", "--without-pip", str(venv)], f"make {venv}")
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
    print(f"setup: installing python/{file.name} into {venv}")
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
        raise SetupError(f"{what}: {' '.join(command[:4])} … ended with exit code {code}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
