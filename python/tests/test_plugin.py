"""The real process under a host, and hosts that go wrong."""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from recordings import chunk, config, frames, recording

from chortle_plugin import PluginError
from chortle_plugin._host import Host
from chortle_plugin._serve import COOKIE_KEY, COOKIE_VALUE

TESTS = Path(__file__).parent
PLUGIN = [sys.executable, str(TESTS / "plugins.py")]

Spawn = Callable[[str], Host]


def run(name: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The plugin with this environment, to its end."""
    return subprocess.run([*PLUGIN, name], env=os.environ | environ, capture_output=True, text=True, timeout=30)


@contextmanager
def started(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process with its output to read, killed at the end if it is still there."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def test_serves_and_leaves_nothing(spawn: Spawn) -> None:
    host = spawn("Loud")
    host.connect()
    assert host.socket.parent.stat().st_mode & 0o777 == 0o700
    assert host.healthy()
    assert host.model().name == "loud"
    assert frames(host.send(recording(np.ones(250, np.float32), [7, 99]))) == [
        (at, [1, 1]) for at in (0, 40, 80, 120, 160)
    ]
    assert host.shut_down() == 0
    assert not host.socket.exists()


def test_handshake_line() -> None:
    environ = os.environ | {COOKIE_KEY: COOKIE_VALUE, "PLUGIN_UNIX_SOCKET_DIR": ""}
    with started([*PLUGIN, "Noisy"], env=environ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.fullmatch(r"1\|1\|unix\|(/.+)\|grpc\|\n", line)
        assert match, line
        path = Path(match[1])
        assert path.is_socket()
        assert path.parent.stat().st_mode & 0o777 == 0o700
        process.terminate()
        assert process.stdout.read() == ""
        assert process.wait(10) == 0
    assert not path.parent.exists()


def test_stray_prints_reach_the_log_and_not_the_handshake(spawn: Spawn) -> None:
    host = spawn("Noisy")
    host.connect()
    frames(host.send(recording(np.ones(100, np.float32))))
    assert host.shut_down() == 0
    host.kill()
    for words in ("from Python", "from C", "from a child", "while predicting"):
        assert words in host.stderr


def test_prints_before_the_import_are_caught_while_python_holds_them() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(TESTS)!r}); print('early'); import plugins; plugins.serve(plugins.Loud)"
    )
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with started([sys.executable, "-c", code], env=environ | {COOKIE_KEY: COOKIE_VALUE}) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("1|1|unix|")
        process.terminate()
        assert process.communicate(timeout=10)[1].startswith("early\n")


@pytest.mark.parametrize("cookie", [None, "", "another"])
def test_without_a_host_it_says_so(cookie: str | None) -> None:
    ended = run("Unmade", **({} if cookie is None else {COOKIE_KEY: cookie}))
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("plugins.py: this is a plugin of Chortle's orchestrator")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "environ", "words"),
    [
        ("Undescribed", {}, "plugins.py: check description: window_samples is 0, want a whole number above 0"),
        ("Unmade", {}, "RuntimeError: weights are missing"),
        ("Loud", {"PLUGIN_CLIENT_CERT": "-----BEGIN"}, "the host wants AutoMTLS"),
        ("Loud", {"PLUGIN_UNIX_SOCKET_DIR": "/nowhere"}, "listen at unix:/nowhere/"),
        ("Loud", {"PLUGIN_UNIX_SOCKET_DIR": "/" + "x" * 200}, "is too long for a socket"),
    ],
)
def test_a_start_that_goes_wrong_is_told(name: str, environ: dict[str, str], words: str) -> None:
    ended = run(name, **{COOKIE_KEY: COOKIE_VALUE}, **environ)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert words in ended.stderr.splitlines()[-1]


def test_a_models_exception_reaches_the_host_and_the_traceback_its_log(spawn: Spawn) -> None:
    host = spawn("Raises")
    host.connect()
    with pytest.raises(grpc.RpcError) as caught:
        list(host.send(recording(np.zeros(100, np.float32))))
    assert caught.value.code() == grpc.StatusCode.INTERNAL
    assert caught.value.details() == "ask model loud: ValueError: no such luck"
    assert host.shut_down() == 0
    host.kill()
    lines = [json.loads(line) for line in host.stderr if line.startswith("{")]
    assert all(isinstance(value, str) for line in lines for value in line.values())
    error = next(line for line in lines if line["@level"] == "error")
    assert error["@message"] == "ask model loud: ValueError: no such luck"
    assert error["@module"] == "chortle_plugin"
    assert "in predict" in error["traceback"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", error["@timestamp"])
    when = datetime.strptime(error["@timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    assert abs((datetime.now(timezone.utc) - when).total_seconds()) < 60


def test_what_go_plugin_asks_of_a_plugin(spawn: Spawn) -> None:
    host = spawn("Loud")
    host.connect()
    channel = grpc.insecure_channel(f"unix:{host.socket}")
    stdio: Any = channel.unary_stream("/plugin.GRPCStdio/StreamStdio")(b"")  # type: ignore[arg-type]
    broker: Any = channel.stream_stream("/plugin.GRPCBroker/StartStream")(iter(()))
    assert host.healthy()  # while both are held open
    assert stdio.is_active()
    assert host.shut_down() == 0
    for held in (stdio, broker):
        with pytest.raises(grpc.RpcError):
            next(held)
    channel.close()


def test_interrupts_are_left_to_the_host(spawn: Spawn) -> None:
    host = spawn("Loud")
    host.connect()
    host.process.send_signal(signal.SIGINT)
    assert host.healthy()
    host.process.send_signal(signal.SIGTERM)
    assert host.process.wait(10) == 0
    assert not host.socket.exists()


HOST = """
import subprocess, sys, time
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, start_new_session=True)
print(process.stdout.readline().decode(), end="", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
@pytest.mark.parametrize("shell", [False, True], ids=["child", "grandchild under a shell"])
@pytest.mark.parametrize("model", ["Loud", "Hangs"])
def test_dies_with_its_host(model: str, shell: bool, tmp_path: Path) -> None:
    command = ["sh", "-c", '"$@"; true', "sh", *PLUGIN, model] if shell else [*PLUGIN, model]
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, *command],
        env=os.environ | {COOKIE_KEY: COOKIE_VALUE, "PLUGIN_UNIX_SOCKET_DIR": "", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert host.stdout is not None
    path = Path(host.stdout.readline().split("|")[3])
    plugin = os.pidfd_open(int(path.name.removeprefix("plugin")))
    try:
        if model == "Hangs":
            channel = grpc.insecure_channel(f"unix:{path}")
            grpc.channel_ready_future(channel).result(10)
            stream: Any = channel.stream_stream("/chortle.inference.v1.InferenceService/Classify")
            stream(iter([config().SerializeToString(), chunk(0, 0, np.zeros(100)).SerializeToString()]))
        host.kill()
        host.wait()
        assert select.select([plugin], [], [], 10)[0], "the plugin lives on"
        assert not path.parent.exists()
    finally:
        host.stdout.close()
        os.close(plugin)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
@pytest.mark.parametrize("shell", [False, True], ids=["child", "grandchild under a shell"])
def test_dies_with_its_host_while_the_model_is_made(shell: bool, tmp_path: Path) -> None:
    command = ["sh", "-c", '"$@"; exit $?', "sh", *PLUGIN, "HangsUnmade"] if shell else [*PLUGIN, "HangsUnmade"]
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, *command],
        env=os.environ | {COOKIE_KEY: COOKIE_VALUE, "PLUGIN_UNIX_SOCKET_DIR": "", "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert host.stderr is not None
    handles = [os.pidfd_open(int(pid)) for pid in host.stderr.readline().split()]  # the plugin's and its child's
    try:
        host.kill()
        host.wait()
        for handle in handles:
            assert select.select([handle], [], [], 10)[0], "a process lives on"
        assert not list(tmp_path.iterdir())
    finally:
        host.stderr.close()
        for handle in handles:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)


def test_a_shell_that_is_no_part_of_the_plugin_lives_on() -> None:
    """A person tries the handshake by hand: the shell leads the plugin's group, and is not the plugin's."""
    script = f"{shlex.join([*PLUGIN, 'Loud'])} | head -n 1; echo and on"
    environ = os.environ | {COOKIE_KEY: COOKIE_VALUE, "PLUGIN_UNIX_SOCKET_DIR": ""}
    command = ["/bin/sh", "-c", script]
    done = subprocess.run(command, env=environ, start_new_session=True, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert re.fullmatch(r"1\|1\|unix\|/.+\|grpc\|\nand on\n", done.stdout)


def test_alone_at_an_address(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    command = [sys.executable, "-m", "chortle_plugin", "serve", "plugins:Noisy", "--listen", f"unix:{path}"]
    with started(command, cwd=TESTS) as process:
        assert process.stderr is not None
        while "serving at" not in (line := process.stderr.readline()):
            assert line, "it ended"
        assert f"grpcurl -plaintext unix://{path} list" in line
        channel = grpc.insecure_channel(f"unix:{path}")
        listing: Any = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        answer = next(listing(iter([b"\x3a\x01*"]), timeout=20))  # list_services: "*"
        assert b"chortle.inference.v1.InferenceService" in answer
        channel.close()
        for _ in range(5):  # as often as an impatient person presses Ctrl-C
            process.send_signal(signal.SIGINT)
        assert "from Python" in process.communicate(timeout=10)[0]  # standard output is the person's own here
    assert process.returncode in (0, -signal.SIGINT)  # it ended by itself, or by the second one


def test_a_taken_address_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "chortle_plugin", "serve", "plugins:Loud", "--listen", address]
        ended = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert f"listen at {address}: " in ended.stderr.splitlines()[-1]


def alone(address: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """A model by itself, whose address is refused before it is made."""
    command = [sys.executable, "-m", "chortle_plugin", "serve", "plugins:Unmade", "--listen", address, *flags]
    return subprocess.run(command, cwd=TESTS, capture_output=True, text=True, timeout=60)


def test_a_socket_where_somebody_answers_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(path))
        taken.listen()
        ended = alone(f"unix:{path}")
        assert ended.returncode == 1
        assert ended.stderr == (
            f"__main__.py: listen on unix:{path}: another process listens there; stop it, or choose another path\n"
        )
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    assert "weights are missing" in alone(f"unix:{path}").stderr  # nobody answers any more: it goes on to the model


@pytest.mark.parametrize(
    "address", ["0.0.0.0:7071", "[::]:7071", ":7071", "192.0.2.1:7071", "example.org:7071", "7071"]
)
def test_an_address_that_others_reach_must_be_wanted(address: str) -> None:
    ended = alone(address)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"__main__.py: listen on {address}: other machines may reach it, and there is no password; "
        "listen on 127.0.0.1:PORT, or add --allow-remote\n"
    )


@pytest.mark.parametrize(
    ("address", "flags"),
    [("127.0.0.1:0", []), ("[::1]:0", []), ("localhost:0", []), ("127.1.2.3:0", []), ("0.0.0.0:0", ["--allow-remote"])],
)
def test_other_addresses_are_not_refused(address: str, flags: list[str]) -> None:
    assert "weights are missing" in alone(address, *flags).stderr


def test_the_rule_for_addresses_is_inferds() -> None:
    source = (TESTS.parent.parent / "inferd/serve/listen.go").read_text()
    said = "other machines may reach it, and there is no password; listen on 127.0.0.1:PORT, or add --allow-remote"
    assert f'"listen on %s: {said}"' in source


HANDSHAKES = {
    "noise before it": ("echo loading...", "'loading...' is none"),
    "another version": ("echo '1|2|unix|/x|grpc|'", "protocol version 2, want 1"),
    "too short": ("echo '1|1|unix'", "is none"),
    "exits at once": ("exit 7", "the plugin ended, with exit code 7"),
    "silent": ("exec sleep 30", "did not come within 0.5 s"),
}


@pytest.mark.parametrize("case", HANDSHAKES)
def test_a_wrong_handshake_is_told(case: str) -> None:
    script, words = HANDSHAKES[case]
    with Host(["sh", "-c", script], timeout=0.5 if case == "silent" else 10) as host:
        with pytest.raises(PluginError, match="read handshake") as caught:
            host.connect()
        assert words in str(caught.value)
    assert host.process.returncode is not None
