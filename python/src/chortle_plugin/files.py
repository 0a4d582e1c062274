"""Files that models need: where they lie, that they are the right ones, and the labels inside."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from ._errors import ConfigError


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Chortle's cache folder: CHORTLE_CACHE_DIR, else chortle below XDG_CACHE_HOME, else below ~/.cache."""
    if folder := environ.get("CHORTLE_CACHE_DIR"):
        return Path(folder)
    base = Path(environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():
        base = Path.home() / ".cache"
    return base / "chortle"


def checked(path: Path, sha256: str) -> bytes:
    """The file's content, whose SHA-256 must be this one.

    Raises:
        ConfigError: it cannot be read, or is another file; says which.

    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise ConfigError(f"read model {path}: {err.strerror}; want the file with sha256 {sha256}") from err
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        raise ConfigError(f"read model {path}: its sha256 is {found}, want {sha256}")
    return content


def labels_inside(path: Path, name: str) -> list[str]:
    """The lines of a text file in the zip that TensorFlow's metadata tools append to a model.

    Raises:
        ConfigError: there is no such zip, or no such file in it.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name).decode().splitlines()
    except (OSError, KeyError, zipfile.BadZipFile, UnicodeDecodeError) as err:
        raise ConfigError(f"read labels {name} in {path}: {err}") from err
