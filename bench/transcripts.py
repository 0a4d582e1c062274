#!/usr/bin/env python3
"""Writes the terminals of docs/writing-a-plugin.md anew: every one is what real programs said in a real one.

usage: transcripts.py FILE

A block of FILE between <!-- terminal NAME --> and <!-- end --> is replaced by the session of that name. The
programs must be built and set up, and grpcurl be in bin/tools: `make transcripts` sees to that.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from installed import cache_dir

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "python" / "examples"
PATIENCE = 60  # seconds that nothing of this takes
PROMPT = "$ "
USER = "alice"
DAY = "2026-11-22"


class TerminalError(Exception):
    """Something did not come that should have."""


class Terminal:
    """A shell in a terminal of its own, and all that was seen in it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.seen = ""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"], environment | {"PS1": PROMPT})
        self.wait(PROMPT)
        self.seen = PROMPT

    def type(self, text: str, until: str | None = None) -> None:
        """Type a line, and wait until this is seen after it: the next prompt, unless told otherwise."""
        start = len(self.seen)
        os.write(self.descriptor, (text + "\n").encode())
        self.wait("\n" + PROMPT if until is None else until, start)

    def interrupt(self) -> None:
        start = len(self.seen)
        os.write(self.descriptor, b"\x03")
        self.wait(PROMPT, start)

    def wait(self, words: str, start: int = 0) -> str:
        deadline = time.monotonic() + PATIENCE
        while words not in self.seen[start:]:
            ready, _, _ = select.select([self.descriptor], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TerminalError(f"wait for {words!r} after:\n{self.seen}")
            try:
                self.seen += os.read(self.descriptor, 65536).decode(errors="replace").replace("\r\n", "\n")
            except OSError as err:
                raise TerminalError(f"the shell ended; wait for {words!r} after:\n{self.seen}") from err
        return self.seen[start:]

    def close(self) -> str:
        """End the shell and what runs in it; return what was seen, without the last prompt."""
        os.close(self.descriptor)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGHUP)
        os.waitpid(self.pid, 0)
        return self.seen.removesuffix(PROMPT).rstrip() + "\n"


class Stage:
    """A user with a recording, and the shells that work with them."""

    def __init__(self, home: Path) -> None:
        cache = cache_dir()
        tools = [ROOT / "bin", ROOT / "bin" / "tools", ROOT / ".venv" / "bin"]
        self.home = home
        self.environment = {
            "PATH": ":".join([*map(str, tools), "/usr/local/bin:/usr/bin:/bin"]),
            "HOME": str(home),
            "TERM": "dumb",
            "CHORTLE_CACHE_DIR": str(cache),
            "CHORTLE_DATA_DIR": str(home / "data"),
            "CHORTLE_LOG_LEVEL": "warn",
            "GRPC_VERBOSITY": "ERROR",
        }
        for example in ("loud.py", "loudness.toml", "loudness.onnx", "loudness.csv"):
            shutil.copy(EXAMPLES / example, home)
        recordings = home / "recordings"
        recordings.mkdir()
        recording = recordings / f"{DAY}T14-30-00Z.ogg"
        making = self.environment | {k: v for k, v in os.environ.items() if k in ("GOPATH", "GOCACHE", "GOFLAGS")}
        making |= {"PATH": os.environ["PATH"] + ":" + str(cache / "bin"), "HOME": os.environ["HOME"]}
        command = ["go", "run", "./bench/sound", "-length", "30s", str(recording)]
        subprocess.run(command, check=True, cwd=ROOT, env=making, stdout=subprocess.DEVNULL)
        os.utime(recording, (0, 0))
        add = ["orchestrator", "user", "add", USER, "--timezone", "Europe/London", "--source", f"folder:{recordings}"]
        subprocess.run(add, check=True, env=self.environment, cwd=home, stdout=subprocess.DEVNULL)

    @contextmanager
    def terminal(self) -> Iterator[Terminal]:
        terminal = Terminal(self.home, self.environment)
        try:
            yield terminal
        finally:
            terminal.close()


def check(stage: Stage) -> str:
    with stage.terminal() as one:
        one.type("python -m chortle_plugin check loud:Loud")
        return one.seen


def host(stage: Stage) -> str:
    with stage.terminal() as one:
        one.type("orchestrator models check 'python loud.py'")
        return one.seen


def run(stage: Stage) -> str:
    with stage.terminal() as one:
        one.type(f"orchestrator run --date {DAY} --model 'python loud.py'")
        one.type(f"orchestrator run --date {DAY} --model inferd --reprocess")
        one.type("orchestrator laughs diff yamnet loud")
        return one.seen


def standalone(stage: Stage) -> str:
    with stage.terminal() as one, stage.terminal() as two:
        one.type("inferd serve --listen 127.0.0.1:7070", until="list\n")
        two.type("grpcurl -plaintext 127.0.0.1:7070 list")
        two.type("grpcurl -plaintext 127.0.0.1:7070 chortle.inference.v1.InferenceService/GetModel | head -n 11")
        two.type(
            "grpcurl -plaintext -d @ 127.0.0.1:7070 chortle.inference.v1.InferenceService/Classify <<EOF", until="> "
        )
        two.type('{"config": {"labels": [13, 14], "encoding": "PCM_ENCODING_S16LE"}}', until="> ")
        two.type('{"chunk": {"index": 0, "first_sample": 0, "pcm": "AAAAEAAgADAAQA=="}}', until="> ")
        two.type("EOF")
        one.interrupt()
        return side_by_side(one, two)


def live(stage: Stage) -> str:
    with stage.terminal() as one, stage.terminal() as two:
        one.type(f"orchestrator run --date {DAY} --reprocess --keep-model", until="Ctrl-C ends it\n")
        socket = re.search(r"unix://(\S+) list", one.seen)
        if not socket:
            raise TerminalError(f"no socket in:\n{one.seen}")
        two.type(f"grpcurl -plaintext unix://{socket[1]} list")
        call = "grpc.health.v1.Health/Check"
        two.type(f'grpcurl -plaintext -d \'{{"service": "plugin"}}\' unix://{socket[1]} {call}')
        one.interrupt()
        return side_by_side(one, two)


def attach(stage: Stage) -> str:
    source = (stage.home / "loud.py").read_text()
    broken = source.replace("        return [min", "        breakpoint()\n        return [min")
    (stage.home / "loud.py").write_text(broken)
    try:
        with stage.terminal() as one, stage.terminal() as two:
            one.type("python -m chortle_plugin serve loud:Loud --listen unix:/tmp/loud.sock", until="list\n")
            two.type(f"orchestrator run --date {DAY} --reprocess --attach unix:/tmp/loud.sock", until="\n")
            one.wait("(Pdb) ")
            one.type("window.shape, float(window.max())", until="(Pdb) ")
            one.type("import os; os.environ['PYTHONBREAKPOINT'] = '0'  # no more of them", until="(Pdb) ")
            one.type("continue", until="\n")
            two.wait("\n" + PROMPT, len(PROMPT))
            one.interrupt()
            return side_by_side(one, two)
    finally:
        (stage.home / "loud.py").write_text(source)


def trace(stage: Stage) -> str:
    with stage.terminal() as one:
        one.type(f"orchestrator run --date {DAY} --reprocess --model 'python loud.py' --trace-grpc 2>&1 | head -n 24")
        return one.seen


def side_by_side(one: Terminal, two: Terminal) -> str:
    def named(number: int, text: str) -> str:
        return re.sub(r"(?m)^\$ ", f"{number}$ ", text.removesuffix(PROMPT).rstrip()) + "\n"

    return named(1, one.seen) + "\n" + named(2, two.seen)


SESSIONS: dict[str, Callable[[Stage], str]] = {
    "check": check,
    "host": host,
    "run": run,
    "standalone": standalone,
    "live": live,
    "attach": attach,
    "trace": trace,
}


def main(path: Path) -> int:
    page = path.read_text()
    with tempfile.TemporaryDirectory(prefix="plugin-") as home:
        stage = Stage(Path(home))

        def write(block: re.Match[str]) -> str:
            name = block[1]
            print(f"transcripts: {name}", flush=True)
            seen = SESSIONS[name](stage).removesuffix(PROMPT).rstrip().replace(home, "/home/alice")
            return f"<!-- terminal {name} -->\n```console\n{seen}\n```\n<!-- end -->"

        page = re.sub(r"<!-- terminal (\w+) -->\n.*?<!-- end -->", write, page, flags=re.DOTALL)
    path.write_text(page)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(Path(sys.argv[1])))
