"""What the bench runs: ours on a fresh data folder, and the peers, each with its own Python."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from installed import cache_dir
from measure import BenchError, Measured, measure

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "bench"
DAY = "2026-01-10"


class Contestants:
    """Knows how each is started. Sound is made once and kept in build/bench."""

    def __init__(self, peers: Path | None) -> None:
        self.cache = cache_dir()
        named = os.environ.get("CHORTLE_PEERS")
        self.folder = peers or (Path(named) if named else ROOT.parent / "shared" / "peers")
        self.environment = {
            "PATH": f"{os.environ['PATH']}:{self.cache / 'bin'}",
            "HOME": str(WORK),
            "CHORTLE_CACHE_DIR": str(self.cache),
        }

    def sound(self, hours: int = 1, *, seconds: int = 3600, kind: str = "day") -> Path:
        """An hour of sound, or so many seconds; longer ones repeat the hour. See bench/sound for the kinds."""
        whole = WORK / f"{kind}-{seconds}-seconds.ogg"
        if not whole.exists():
            print(f"  making {whole.name}", flush=True)
            command = ["go", "run", "./bench/sound", "-length", f"{seconds}s", "-kind", kind, str(whole)]
            self.call(command, environment={**os.environ, "PATH": self.environment["PATH"]}, folder=ROOT)
            os.utime(whole, (0, 0))  # no recorder is writing it any more
        if hours == 1:
            return whole
        repeated = WORK / f"{hours}-hours.ogg"
        if not repeated.exists():
            fresh = repeated.with_suffix(".fresh.ogg")
            loop = ["-stream_loop", str(hours - 1), "-i", str(whole), "-c", "copy", "-y", str(fresh)]
            self.call(["ffmpeg", "-v", "error", "-nostdin", *loop])
            os.utime(fresh, (0, 0))
            fresh.rename(repeated)
        return repeated

    def ours(
        self, sound: Path, users: int = 1, before: Sequence[str] = (), **settings: str
    ) -> tuple[Measured, dict[str, Any]]:
        """A day of each user on an empty data folder: what it took, and the document that it printed.

        The run's command stands behind what is given before it."""
        with tempfile.TemporaryDirectory(prefix="run-", dir=WORK) as home:
            recordings = Path(home, "recordings")
            recordings.mkdir()
            os.link(sound, recordings / f"{DAY}T00-00-00Z.ogg")
            own = {"XDG_CONFIG_HOME": home, "CHORTLE_DATA_DIR": f"{home}/data"}
            environment = {**self.environment, **own, **settings}
            program = str(ROOT / "bin" / "orchestrator")
            for number in range(users):
                place = ["--timezone", "UTC", "--source", f"folder:{recordings}"]
                self.call([program, "user", "add", f"user{number:02}", *place], environment, Path(home))
            run = measure([*before, program, "run", "--date", DAY, "--json"], environment, Path(home))
        document = json.loads(run.output)
        done = [user["recordings"]["processed"] for user in document["users"]]
        if done != [1] * users:
            raise BenchError(f"run a day of {users} users: recordings processed were {done}")
        return run, document

    def peers(self, sound: Path) -> dict[str, Callable[[], Measured]]:
        """The peers by name; none where their folder is not there."""
        if not self.folder.is_dir():
            print(f"  the peers are left out: {self.folder} is not there (set CHORTLE_PEERS)")
            return {}
        model = str(self.cache / "models" / "yamnet.tflite")
        commands = {
            "litert-1-thread": ("litert", "peer_litert.py", "1", "0.48"),
            "litert-2-threads": ("litert", "peer_litert.py", "2", "0.48"),
            "mediapipe-chunks": ("mediapipe", "peer_mediapipe.py", "chunks"),
            "mediapipe-whole": ("mediapipe", "peer_mediapipe.py", "whole"),
        }
        runs: dict[str, Callable[[], Measured]] = {}
        for name, (home, script, *arguments) in commands.items():
            python = ROOT / ".venv" / "peers" / home / "bin" / "python"
            command = [str(python), str(self.folder / script), str(sound), model, *arguments]
            runs[name] = partial(measure, command, self.environment, WORK)
        return runs

    def call(self, command: list[str], environment: dict[str, str] | None = None, folder: Path | None = None) -> None:
        """Runs something that is not measured."""
        ended = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=folder, env=environment or self.environment
        )
        if ended.returncode:
            raise BenchError(f"{' '.join(command)} ended with exit code {ended.returncode}: {ended.stderr.strip()}")
