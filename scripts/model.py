"""Brings the YAMNet model into the cache folder: from a mirror, a shared folder or its public addresses."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

NAME = "yamnet.tflite"
SIZE = 4_126_810
SHA256 = "10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de"
PUBLIC = (
    "https://storage.googleapis.com/mediapipe-assets/yamnet_audio_classifier_with_metadata.tflite"
    "?generation=1661875980774466",
    "https://tfhub.dev/google/lite-model/yamnet/classification/tflite/1?lite-format=tflite",
)
TIMEOUT_SECONDS = 30
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "models" / NAME


class ModelError(Exception):
    """The model could not be had; the message says where a person gets it."""


def fetch(cache: Path) -> None:
    """Lays the model into the cache, unless it lies there already. Honours CHORTLE_MODEL and CHORTLE_MIRROR."""
    if named := os.environ.get("CHORTLE_MODEL"):
        print(f"setup: CHORTLE_MODEL names {named}; no model is fetched")
        return
    place = cache / "models" / NAME
    if place.exists() and fault(place.read_bytes()) is None:
        return
    tried = []
    for source in sources():
        try:
            content = read(source)
        except (OSError, ValueError) as problem:
            cause = getattr(problem, "reason", problem)
            tried.append(f"{source}\n      {getattr(cause, 'strerror', None) or cause}")
            continue
        if wrong := fault(content):
            tried.append(f"{source}\n      {wrong}")
            continue
        put(content, place)
        print(f"setup: the model is from {source}")
        return
    raise ModelError(explanation(place, tried))


def sources() -> list[str]:
    """Where the model may lie, best first: addresses and paths."""
    mirror = os.environ.get("CHORTLE_MIRROR", "").rstrip("/")
    return ([f"{mirror}/{NAME}"] if mirror else []) + [str(BESIDE), *PUBLIC]


def read(source: str) -> bytes:
    if "://" not in source:
        return Path(source).expanduser().read_bytes()
    with urllib.request.urlopen(source, timeout=TIMEOUT_SECONDS) as answer:
        content: bytes = answer.read(SIZE + 1)
        return content


def fault(content: bytes) -> str | None:
    """What is wrong with a file that should be the model; None when it is the model."""
    if len(content) != SIZE:
        return f"its size is {len(content)} bytes{' or more' * (len(content) > SIZE)}, not {SIZE}"
    if (digest := hashlib.sha256(content).hexdigest()) != SHA256:
        return f"its sha256 is {digest}"
    return None


def put(content: bytes, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        fresh = Path(folder, NAME)
        fresh.write_bytes(content)
        os.replace(fresh, place)


def explanation(place: Path, tried: list[str]) -> str:
    return "\n".join(
        [
            "the model could not be had. It is one file, Google's YAMNet classification model (TF Lite, v1):",
            f"    from    {PUBLIC[0]}",
            f"    or      {PUBLIC[1]}",
            f"    size    {SIZE} bytes",
            f"    sha256  {SHA256}",
            f"    put it  {place}",
            f"or set CHORTLE_MIRROR to a folder or an address under which {NAME} lies. Tried:",
            *(f"    {line}" for line in tried),
        ]
    )
