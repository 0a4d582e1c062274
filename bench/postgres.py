"""A Postgres for the time of a measurement, in a folder of its own, reached by its Unix socket alone."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from measure import BenchError


class Postgres:
    """Used by `with`. Where there are no programs of it, missing says so and nothing was started."""

    def __init__(self) -> None:
        found = shutil.which("initdb")
        named = [str(Path(found).resolve())] if found else []
        programs = named + sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), reverse=True)
        self.bin = Path(programs[0]).parent if programs else None
        self.missing = "" if programs else "no initdb was found"
        self.databases = 0

    def __enter__(self) -> Postgres:
        if not self.bin:
            return self
        self.folder = Path(tempfile.mkdtemp(prefix="chortle-pg-", dir="/tmp"))
        self.rights: dict[str, Any] = {}
        if os.geteuid() == 0:  # which Postgres refuses
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self.rights = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        data = str(self.folder / "data")
        self.call(
            "initdb", "--pgdata", data, "--username", "chortle", "--auth", "trust", "--encoding", "UTF8", "--no-sync"
        )
        command = [str(self.bin / "postgres"), "-D", data, "-k", str(self.folder), "-c", "listen_addresses="]
        quiet = subprocess.DEVNULL
        self.server = subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd=self.folder, **self.rights)
        for _ in range(100):
            if (self.folder / ".s.PGSQL.5432").exists():
                return self
            time.sleep(0.1)
        raise BenchError("start Postgres: it does not listen")

    def call(self, program: str, *arguments: str) -> None:
        assert self.bin
        command = [str(self.bin / program), *arguments]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.folder, **self.rights)
        if ended.returncode:
            raise BenchError(f"{program} ended with exit code {ended.returncode}: {ended.stderr.strip()}")

    def database(self) -> str:
        """The address of a fresh database."""
        self.databases += 1
        name = f"bench{self.databases}"
        self.call("createdb", "-h", str(self.folder), "-U", "chortle", name)
        return f"postgres://chortle@/{name}?host={quote(str(self.folder), safe='')}"

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bin:
            self.server.terminate()
            self.server.wait()
            shutil.rmtree(self.folder, ignore_errors=True)
