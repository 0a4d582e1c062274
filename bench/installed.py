"""Where set-up put things: as the program itself says."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@cache
def setting(name: str) -> str:
    """The value of a setting of this checkout's orchestrator."""
    command = [str(ROOT / "bin" / "orchestrator"), "config", "--json"]
    settings = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["settings"]
    value: str = next(one["value"] for one in settings if one["name"] == name)
    return value


def cache_dir() -> Path:
    return Path(setting("CHORTLE_CACHE_DIR"))
