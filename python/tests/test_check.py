from __future__ import annotations

import os
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chortle_plugin import PluginError
from chortle_plugin._check import Check, _Report
from chortle_plugin._host import INHERITED, SETTINGS, Host
from chortle_plugin._wav import read_wav

TESTS = Path(__file__).parent
SECRETS = {"MY_MODEL_HOME": "/srv", "PYTHONPATH": str(TESTS.parent / "examples")}


@pytest.fixture
def folder() -> Iterator[Path]:
    """The folder for temporary files of the plugins, in which nothing may stay."""
    with tempfile.TemporaryDirectory(prefix="c") as name:  # short: it is a part of a socket's path
        yield Path(name)
        assert not list(Path(name).iterdir())


CHECK = [sys.executable, "-m", "chortle_plugin", "check"]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | SECRETS | {"TMPDIR": str(folder)}
    return subprocess.run([*CHECK, *arguments], cwd=TESTS, env=environ, capture_output=True, text=True, timeout=120)


def failures(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What failed and why, a line each; the report is whole."""
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if line.startswith("FAIL ")]
    assert done.returncode == bool(lines)
    if lines:
        assert "\n\nthe plugin last wrote:\n  " in done.stdout or lines[0].startswith("FAIL  start ")
        assert done.stdout.endswith(f"\n\n{len(lines)} failed\n")
    else:
        assert done.stdout.endswith("\n\nthe plugin keeps the contract\n")
    return lines


def test_a_good_model_passes(folder: Path) -> None:
    done = run(folder, "plugins:Seconds")
    assert failures(done) == []
    assert len([line for line in done.stdout.splitlines() if line.startswith("ok ")]) == 37
    assert "long recording              3:00:00 of sound" in done.stdout


@pytest.mark.parametrize("name", ["Talks", "Floods", "Bare", "Coarse"])
def test_what_the_orchestrator_bears_passes(name: str, folder: Path) -> None:
    assert failures(run(folder, f"plugins:{name}")) == []


def test_a_model_is_imported_from_where_the_check_imports(folder: Path) -> None:
    assert failures(run(folder, "loud:Loud")) == []  # by PYTHONPATH, which the plugin does not see


@pytest.mark.parametrize(
    ("name", "failing", "words"),
    [
        ("Raises", "silence", "INTERNAL: ask model loud: ValueError: no such luck"),
        ("Unscaled", "noise", "scores go from 0 to 1.5, want 0..1"),
        ("Stateful", "cut into chunks", "does the model keep a state between windows?"),
        ("Unmade", "start", "the plugin ended, with exit code 1"),
        ("Undescribed", "start", "the plugin ended, with exit code 1"),
        ("Nothing", "start", "the plugin ended, with exit code 1"),
        ("Needs", "start", "the plugin ended, with exit code 1"),
        ("Exits", "silence", "the plugin ended, with exit code 9"),
        ("Hoards", "long recording", "does it keep what it heard?"),
        ("Stays", "shutdown", "it runs on 2 s after it was asked to end"),
    ],
)
def test_a_bad_model_is_told_why(name: str, failing: str, words: str, folder: Path) -> None:
    done = run(folder, f"plugins:{name}")
    assert words in next(line for line in failures(done) if line.startswith(f"FAIL  {failing} "))
    assert "the plugin last wrote:" in done.stdout


def test_nothing_more_is_asked_of_a_plugin_that_is_gone(folder: Path) -> None:
    done = run(folder, "plugins:Exits")
    assert len(failures(done)) == 1
    assert "last words" in done.stdout


HANDSHAKE = "echo '1|1|unix|'$PLUGIN_UNIX_SOCKET_DIR'/x|grpc|'"


@pytest.mark.parametrize(
    ("script", "failing", "words"),
    [
        ("exec /nowhere/plugin", "start", "the plugin ended, with exit code 127"),
        ("echo hello", "start", "'hello' is none; nothing may be printed before it"),
        ("exit 1", "start", "the plugin ended, with exit code 1"),
        ("kill -9 $$", "start", "the plugin was ended by signal 9: Killed"),
        ("exec sleep 600 >&-", "start", "the plugin closed its stdout"),
        ("exec tr '\\0' x </dev/zero", "start", "'xxxxxx"),
        ("echo '1|1|unix|/tmp/x|grpc|'", "start", "x is not in the folder of PLUGIN_UNIX_SOCKET_DIR"),
        (f"{HANDSHAKE}; exit 3", "health", "the plugin ended, with exit code 3"),
    ],
)
def test_any_command_can_be_checked(script: str, failing: str, words: str, folder: Path) -> None:
    done = run(folder, "--command", shlex.join(["sh", "-c", script]))
    (line,) = failures(done)
    assert line.startswith(f"FAIL  {failing} ")
    assert words in line


def test_a_command_that_is_not_there(folder: Path) -> None:
    (line,) = failures(run(folder, "--command", "/nowhere/plugin"))
    assert "start plugin /nowhere/plugin: No such file or directory" in line


@pytest.mark.parametrize("script", ["exec sleep 600", "while printf .; do sleep 0.1; done"])
def test_a_plugin_without_a_handshake_is_given_up(script: str, folder: Path) -> None:
    (line,) = failures(run(folder, "--timeout", "1", "--command", shlex.join(["bash", "-c", script])))
    assert line.startswith("FAIL  start ")


def test_a_plugin_that_hangs_is_given_up(spawn: Callable[[str], Host], capsys: pytest.CaptureFixture[str]) -> None:
    host = spawn("Hangs")
    host.connect()
    checks = Check(host, host.model()).all()
    host._timeout = 0.1
    report = _Report()
    for name, check in checks:
        report.run(host, name, check)
    assert report.failed == 1
    assert capsys.readouterr().out == f"FAIL  {'silence':27} no answer came within 0.1 s\n"


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_check_leaves_nothing_behind(ending: signal.Signals, folder: Path) -> None:
    with subprocess.Popen(
        [*CHECK, "plugins:Hangs"],
        cwd=TESTS,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        while not (line := process.stdout.readline()).startswith("ok    description "):
            assert line, "it ended"
        process.send_signal(ending)
        assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 128 + ending


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
def test_a_plugin_that_outlives_its_host_is_seen_and_ended(spawn: Callable[[str], Host]) -> None:
    host = spawn("Clings")
    host.connect()
    assert not host.lose(0.1)
    ids = [int(line) for line in host.stderr if line.isdigit()]
    assert host.process.pid in ids
    (other,) = set(ids) - {host.process.pid}
    with suppress(ProcessLookupError):  # else it has ended, and is on its way
        handle = os.pidfd_open(other)
        assert select.select([handle], [], [], 10)[0], "the plugin lives on"
        os.close(handle)


def test_the_environment_is_the_orchestrators() -> None:
    root = TESTS.parent.parent / "orchestrator"
    source = (root / "settings/settings.go").read_text() + (root / "service/model.go").read_text()
    inherited = re.search(r"var inherited = \[\]string\{(.*)\}", source)
    assert inherited
    assert list(INHERITED) == re.findall(r'"(\w+)"', inherited[1])
    assert set(SETTINGS) == set(re.findall(r'"(CHORTLE_\w+)="', source))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["plugins:Loud", "--command", "true"],
        ["--command", ""],
        ["--command", "'"],
        ["plugins:Loud", "--timeout", "0"],
        ["plugins:Loud", "--timeout", "nan"],
    ],
)
def test_usage(arguments: list[str], folder: Path) -> None:
    assert run(folder, *arguments).returncode == 2


def wav(path: Path, samples: np.ndarray[Any, Any], rate: int = 16000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def riff(path: Path, kind: int, bits: int, data: bytes, more: bytes = b"", channels: int = 1) -> Path:
    """A WAV file with a chunk that nobody knows, and one whose length is not known, as ffmpeg writes into a pipe."""
    form = struct.pack("<HHIIHH", kind, channels, 16000, 0, 0, bits) + more
    chunks = b"".join(
        struct.pack("<4sI", *chunk) + content
        for chunk, content in [
            ((b"JUNK", 3), b"odd\0"),
            ((b"fmt ", len(form)), form),
            ((b"data", 0xFFFFFFFF), data),
        ]
    )
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", 0xFFFFFFFF, b"WAVE") + chunks)
    return path


def test_a_recording_of_ones_own_is_heard(tmp_path: Path, folder: Path) -> None:
    samples = np.zeros(48000)
    samples[32000:32010] = 16384
    done = run(folder, "plugins:Seconds", "--sound", str(wav(tmp_path / "party.wav", samples)))
    assert failures(done) == []
    line = next(line for line in done.stdout.splitlines() if "party.wav" in line)
    assert "best laughter score 0.500 at 1.50 s" in line


def test_channels_are_mixed(tmp_path: Path) -> None:
    stereo = np.array([[16384, 0], [-16384, -16384]])
    np.testing.assert_array_equal(read_wav(wav(tmp_path / "a.wav", stereo, channels=2), 16000), [0.25, -0.5])


EXTENSIBLE = struct.pack("<HHIH", 22, 24, 0, 1) + bytes(14)


@pytest.mark.parametrize(
    ("kind", "bits", "data", "more"),
    [
        (1, 8, bytes([192, 0, 128]), b""),
        (1, 16, struct.pack("<3h", 1 << 14, -1 << 15, 0), b""),
        (1, 24, bytes([0, 0, 0x40, 0, 0, 0x80, 0, 0, 0]), b""),
        (0xFFFE, 24, bytes([0, 0, 0x40, 0, 0, 0x80, 0, 0, 0]), EXTENSIBLE),
        (1, 32, struct.pack("<3i", 1 << 30, -1 << 31, 0), b""),
        (3, 32, struct.pack("<3f", 0.5, -1, 0), b""),
        (3, 64, struct.pack("<3d", 0.5, -1, 0), b""),
    ],
)
def test_samples_of_any_width_are_read(kind: int, bits: int, data: bytes, more: bytes, tmp_path: Path) -> None:
    path = riff(tmp_path / "a.wav", kind, bits, data + b"\1" * (bits > 8), more)  # the last sample is torn
    np.testing.assert_array_equal(read_wav(path, 16000), [0.5, -1, 0])


def bad(path: Path, case: str) -> Path:
    match case:
        case "another rate":
            return wav(path, np.zeros(100), rate=8000)
        case "another format":
            return riff(path, 6, 8, b"\0")
        case "12 bits":
            return riff(path, 1, 12, b"\0" * 12)
        case "no number":
            return riff(path, 3, 32, struct.pack("<f", np.nan))
        case "no channels":
            return riff(path, 1, 16, b"\0\0", channels=0)
        case "nothing in it":
            path.write_bytes(b"RIFF\0\0\0\0WAVE")
        case "no sound":
            path.write_bytes(b"no sound")
    return path


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("another rate", "it has 8000 Hz, want 16000; convert it: ffmpeg -i bad.wav -ar 16000"),
        ("another format", "samples of format 6 with 8 bits, want 8, 16, 24 or 32-bit integers or floats"),
        ("12 bits", "samples of format 1 with 12 bits"),
        ("no number", "a sample is not a finite number"),
        ("no channels", "it has no channels"),
        ("nothing in it", "it is no WAV file: no chunk b'fmt '"),
        ("no sound", "it is no WAV file; convert it: ffmpeg -i bad.wav"),
        ("not there", "No such file or directory"),
    ],
)
def test_a_recording_that_does_not_fit_is_told(case: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"^read .*/bad\.wav: ") as caught:
        read_wav(bad(tmp_path / "bad.wav", case), 16000)
    assert words in str(caught.value)


def test_a_recording_that_cannot_be_read_fails_alone(tmp_path: Path, folder: Path) -> None:
    (line,) = failures(run(folder, "plugins:Seconds", "--sound", str(tmp_path / "party.wav")))
    assert line.startswith("FAIL  party.wav ")
