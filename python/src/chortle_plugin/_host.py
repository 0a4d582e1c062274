"""The host's side of the protocol, as small as it can be: starts a plugin, talks to it, ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import IO

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from ._errors import PluginError
from ._gen import inference_pb2 as pb
from ._gen import inference_pb2_grpc as pb_grpc
from ._serve import COOKIE_KEY, COOKIE_VALUE, PROTOCOL_VERSION
from ._service import MAX_MESSAGE_BYTES

INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME")
"""What a plugin sees of the environment beside SETTINGS, by the orchestrator's rule (settings, service)."""
SETTINGS = (
    "CHORTLE_WEIGHTS",
    "CHORTLE_WEIGHTS_SHA256",
    "CHORTLE_TFLITE_LIBRARY",
    "CHORTLE_CACHE_DIR",
    "CHORTLE_MODEL_THREADS",
)

_STDERR_LINES = 20
_LONGEST_LINE = 16 << 10  # bytes; what a line has beyond is thrown away
_MAX_HANDSHAKE = 4096
_BLOCK = 64 << 10
_EXIT_GRACE = 0.3  # seconds in which a process whose connection broke has ended too

# A host that is killed: passes the handshake on, and leaves the plugin's id in the plugin's folder.
_OTHER_HOST = """
import os, subprocess, sys
plugin = subprocess.Popen(
    sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
)
with open(os.path.join(os.environ["PLUGIN_UNIX_SOCKET_DIR"], "pid"), "w") as file:
    file.write(str(plugin.pid))
while piece := plugin.stdout.read(4096):
    os.write(1, piece)
sys.exit(plugin.wait())
"""


class Host:
    """One plugin process, in a process group of its own. Use it in a with statement."""

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        """Start the plugin; `timeout` is for its handshake, and for each of its answers, in seconds."""
        self._command, self._timeout = command, timeout
        self._folder = tempfile.TemporaryDirectory(prefix="plugin")
        self.folder = Path(self._folder.name)
        self.stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        """The last lines that the plugin wrote there."""
        environ = {name: os.environ[name] for name in INHERITED + SETTINGS if os.environ.get(name)} | {
            COOKIE_KEY: COOKIE_VALUE,
            "PLUGIN_PROTOCOL_VERSIONS": str(PROTOCOL_VERSION),
            "PLUGIN_UNIX_SOCKET_DIR": self._folder.name,
        }
        try:
            self.process = subprocess.Popen(  # noqa: S603  the caller's own command
                command,
                env=environ,
                bufsize=0,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as err:
            self._folder.cleanup()
            raise PluginError(f"start plugin {command[0]}: {err.strerror}") from err
        self._handshake: SimpleQueue[bytes] = SimpleQueue()
        self._channel: grpc.Channel | None = None
        self._readers = [
            threading.Thread(target=read, args=(pipe,), daemon=True)
            for read, pipe in ((self._read_stdout, self.process.stdout), (self._read_stderr, self.process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _read_stdout(self, pipe: IO[bytes]) -> None:
        """Keep the first line; what comes behind it is read too, so that nothing there can stop the plugin."""
        with pipe:
            line = b""
            while b"\n" not in line and (piece := pipe.read(_MAX_HANDSHAKE - len(line))):
                line += piece
            self._handshake.put(line)
            while pipe.read(_BLOCK):
                pass

    def _read_stderr(self, pipe: IO[bytes]) -> None:
        with pipe:
            line = b""
            while piece := pipe.read(_BLOCK):
                *whole, line = (line + piece).split(b"\n")
                self.stderr.extend(each[:_LONGEST_LINE].decode(errors="replace").rstrip() for each in whole)
                line = line[:_LONGEST_LINE]
            if line:
                self.stderr.append(line.decode(errors="replace").rstrip())

    def connect(self) -> None:
        """Read the handshake and connect.

        Raises:
            PluginError: it did not come in time, or is not one.

        """
        line = self._first_line()
        fields = line.split("|")
        if len(fields) < 5 or fields[:3:2] != ["1", "unix"] or fields[4] != "grpc":
            raise PluginError(f"read handshake: {line[:200]!r} is none; nothing may be printed before it")
        if fields[1] != str(PROTOCOL_VERSION):
            raise PluginError(f"read handshake: protocol version {fields[1]}, want {PROTOCOL_VERSION}")
        self.socket = Path(fields[3])
        if self.socket.parent != self.folder:
            raise PluginError(f"read handshake: {self.socket} is not in the folder of PLUGIN_UNIX_SOCKET_DIR")
        limits = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.max_send_message_length", -1)]
        self._channel = grpc.insecure_channel(f"unix:{self.socket}", options=limits)
        self._health = health_pb2_grpc.HealthStub(self._channel)
        self._inference = pb_grpc.InferenceServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._shutdown: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(
            "/plugin.GRPCController/Shutdown"
        )

    def _first_line(self) -> str:
        try:
            line = self._handshake.get(timeout=self._timeout)
        except Empty:
            raise PluginError(f"read handshake: it did not come within {self._timeout:g} s") from None
        if b"\n" not in line and len(line) < _MAX_HANDSHAKE:
            raise PluginError(f"read handshake: {self.ended() or 'the plugin closed its stdout'}")
        return line.split(b"\n")[0].decode(errors="replace")

    def healthy(self) -> bool:
        """Whether the plugin says that it serves."""
        request = health_pb2.HealthCheckRequest(service="plugin")
        answer = self._health.Check(request, timeout=self._timeout)  # type: ignore[attr-defined]
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def model(self) -> pb.GetModelResponse:
        """What the plugin says of its model."""
        answer: pb.GetModelResponse = self._inference.GetModel(pb.GetModelRequest(), timeout=self._timeout)
        return answer

    def send(
        self, requests: Iterable[pb.ClassifyRequest], deadline: float | None = None
    ) -> Iterator[pb.ClassifyResponse]:
        """A stream of these messages; its answers as they come. Closing the iterator cancels it.

        Args:
            requests: the messages, asked for as fast as the plugin takes them.
            deadline: for the stream as a whole, in seconds.

        Raises:
            grpc.RpcError: what the plugin answered.
            TimeoutError: an answer did not come in time.

        """
        call = self._inference.Classify(iter(requests), timeout=deadline)
        late = threading.Event()

        def give_up() -> None:
            late.set()
            call.cancel()

        try:
            while True:
                timer = threading.Timer(self._timeout, give_up)
                timer.start()
                try:
                    answer = next(call, None)
                finally:
                    timer.cancel()
                if answer is None:
                    return
                yield answer
        except grpc.RpcError as err:
            if late.is_set():
                raise TimeoutError(f"no answer came within {self._timeout:g} s") from err
            raise
        finally:
            call.cancel()

    def memory(self) -> int:
        """Resident set of the plugin's process group in bytes; 0 where the system does not tell."""
        pages = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended meanwhile
                fields = stat.read_text(errors="replace").rpartition(")")[2].split()  # the name may hold anything
                if int(fields[2]) == self.process.pid:
                    pages += int(fields[21])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def ended(self) -> str | None:
        """How the process ended, which is looked at for a moment; None where it runs."""
        try:
            code = self.process.wait(_EXIT_GRACE)
        except subprocess.TimeoutExpired:
            return None
        if code < 0:
            return f"the plugin was ended by signal {-code}: {signal.strsignal(-code)}"
        return f"the plugin ended, with exit code {code}"

    def shut_down(self, patience: float = 10) -> int | None:
        """Ask the plugin to end and wait for it; returns its exit code, None where it runs on after `patience` seconds.

        Raises:
            grpc.RpcError: what the plugin answered.

        """
        try:
            self._shutdown(b"", timeout=self._timeout)
        except grpc.RpcError as err:
            if err.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                raise  # else it ended sooner than it answered
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End the whole process group, whatever state it is in, and clean up."""
        if self._channel:
            self._channel.close()
        _kill_group(self.process.pid)
        self.process.wait()
        self._silent(1)
        self._folder.cleanup()

    def _silent(self, seconds: float) -> bool:
        """Whether nobody holds the plugin's stdout and stderr any more, within that time."""
        until = time.monotonic() + seconds
        for reader in self._readers:
            reader.join(max(0, until - time.monotonic()))
        return not any(reader.is_alive() for reader in self._readers)

    def lose(self, patience: float) -> bool:
        """Start the same plugin once more, below a host of its own, and kill that host by SIGKILL.

        Returns:
            Whether nothing of the plugin, nor of what it started, is left after `patience` seconds.

        Raises:
            PluginError: it could not be started.

        """
        with Host([sys.executable, "-c", _OTHER_HOST, *self._command], self._timeout) as other:
            try:
                other.connect()
                other.process.kill()
                return other._silent(patience)
            finally:
                other.process.kill()
                if not other._silent(0):
                    with suppress(OSError, ValueError):
                        _kill_group(int((other.folder / "pid").read_text()))
                self.stderr.extend(other.stderr)


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it has ended, as it should
        os.killpg(leader, signal.SIGKILL)
