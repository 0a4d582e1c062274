#!/usr/bin/env python3
"""Fetches axe-core, by which tests of the page find what makes it hard to use for some people: pinned, by npm's client.

usage: axe.py CACHE      CACHE is the folder that `orchestrator setup` fills
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "axe-core@4.14.1"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


def main(cache: str) -> int:
    place = Path(cache, "test", "axe.min.js")
    if place.exists() and hashlib.sha256(place.read_bytes()).hexdigest() == SHA256:
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print("axe: npm is missing: install it, or copy axe.min.js of axe-core to " + str(place), file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(
            [npm, "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True, text=True
        )
        with tarfile.open(Path(folder, packed.stdout.strip())) as archive:
            member = archive.extractfile("package/axe.min.js")
            content = member.read() if member else b""
    if hashlib.sha256(content).hexdigest() != SHA256:
        print("axe: what npm brought is not the pinned axe.min.js", file=sys.stderr)
        return 1
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
