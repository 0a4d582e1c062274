"""The host's side of the protocol, as small as it can be: starts a plugin, talks to it, ends it."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from ._errors import PluginError
from ._gen import inference_pb2 as pb
from ._gen import inference_pb2_grpc as pb_grpc
from ._serve import COOKIE_KEY, COOKIE_VALUE, PROTOCOL_VERSION
from ._service import MAX_MESSAGE_BYTES

_STDERR_LINES = 20
_MAX_HANDSHAKE = 4096


class Host:
    """One plugin process, in a process group of its own. Use it in a with statement."""

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self._timeout = timeout
        self._folder = tempfile.TemporaryDirectory(prefix="plugin")
        self.stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        """The last lines that the plugin wrote there."""
        environ = os.environ | {
            COOKIE_KEY: COOKIE_VALUE,
            "PLUGIN_PROTOCOL_VERSIONS": str(PROTOCOL_VERSION),
            "PLUGIN_UNIX_SOCKET_DIR": self._folder.name,
        }
        try:
            self.process = subprocess.Popen(  # noqa: S603  the caller's own command
                command,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as err:
            self._folder.cleanup()
            raise PluginError(f"start plugin {command[0]}: {err.strerror}") from err
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None  # noqa: S101  a pipe was asked for
        for line in self.process.stderr:
            self.stderr.append(line.decode(errors="replace").rstrip())

    def connect(self) -> None:
        """Read the handshake and connect.

        Raises:
            PluginError: it did not come in time, or is not one.

        """
        line = self._first_line()
        fields = line.split("|")
        if len(fields) < 5 or fields[:3:2] != ["1", "unix"] or fields[4] != "grpc":
            raise PluginError(f"read handshake: {line!r} is none; nothing may be printed before it")
        if fields[1] != str(PROTOCOL_VERSION):
            raise PluginError(f"read handshake: protocol version {fields[1]}, want {PROTOCOL_VERSION}")
        self.socket = Path(fields[3])
        limits = ("grpc.max_receive_message_length", "grpc.max_send_message_length")
        options = [(limit, MAX_MESSAGE_BYTES) for limit in limits]
        self._channel = grpc.insecure_channel(f"unix:{self.socket}", options=options)
        self._inference = pb_grpc.InferenceServiceStub(self._channel)  # type: ignore[no-untyped-call]

    def _first_line(self) -> str:
        assert self.process.stdout is not None  # noqa: S101  a pipe was asked for
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in line:
                if not selector.select(self._timeout):
                    raise PluginError(f"read handshake: it did not come within {self._timeout:g} s")
                piece = os.read(self.process.stdout.fileno(), _MAX_HANDSHAKE)
                if not piece:
                    raise PluginError(f"read handshake: the plugin ended, with exit code {self.process.wait()}")
                line += piece
        return line.split(b"\n")[0].decode(errors="replace")

    def healthy(self) -> bool:
        """Whether the plugin says that it serves."""
        request = health_pb2.HealthCheckRequest(service="plugin")
        answer = health_pb2_grpc.HealthStub(self._channel).Check(request, timeout=self._timeout)  # type: ignore[attr-defined]
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def model(self) -> pb.GetModelResponse:
        """What the plugin says of its model."""
        answer: pb.GetModelResponse = self._inference.GetModel(pb.GetModelRequest(), timeout=self._timeout)
        return answer

    def send(self, requests: Iterable[pb.ClassifyRequest]) -> Iterator[pb.ClassifyResponse]:
        """A stream of these messages; its answers as they come. Raises grpc.RpcError."""
        answers: Iterator[pb.ClassifyResponse] = self._inference.Classify(iter(requests), timeout=self._timeout)
        return answers

    def shut_down(self) -> int:
        """Ask the plugin to end, wait for it, return its exit code."""
        shutdown: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(
            "/plugin.GRPCController/Shutdown"
        )
        shutdown(b"", timeout=self._timeout)
        self._channel.close()
        return self.process.wait(self._timeout)

    def kill(self) -> None:
        """End the whole process group, whatever state it is in, and clean up."""
        with suppress(ProcessLookupError):  # it has ended, as it should
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(timeout=1)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        self._folder.cleanup()
