from __future__ import annotations

import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chortle_plugin._wav import read_wav

TESTS = Path(__file__).parent


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chortle_plugin", "check", *arguments]
    return subprocess.run(command, cwd=TESTS, capture_output=True, text=True, timeout=120)


def test_a_good_model_passes() -> None:
    done = check("plugins:Loud")
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    assert done.stdout.endswith("the plugin keeps the contract\n")
    assert len([line for line in done.stdout.splitlines() if line.startswith("ok ")]) == 29


@pytest.mark.parametrize(
    ("name", "failing", "words"),
    [
        ("Raises", "silence", "INTERNAL: ask model loud: ValueError: no such luck"),
        ("Unscaled", "noise", "scores go from 0 to 1.5, want 0..1"),
        ("Stateful", "cut into chunks", "does the model keep a state between windows?"),
        ("Unmade", "start", "the plugin ended, with exit code 1"),
        ("Undescribed", "start", "the plugin ended, with exit code 1"),
        ("Nothing", "start", "the plugin ended, with exit code 1"),
    ],
)
def test_a_bad_model_is_told_why(name: str, failing: str, words: str) -> None:
    done = check(f"plugins:{name}")
    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if line.startswith(f"FAIL  {failing} "))
    assert words in line
    assert "the plugin last wrote:" in done.stdout


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/nowhere/plugin", "start plugin /nowhere/plugin: No such file or directory"),
        ("echo hello", "'hello' is none; nothing may be printed before it"),
        ("false", "the plugin ended, with exit code 1"),
    ],
)
def test_any_command_can_be_checked(command: str, words: str) -> None:
    done = check("--command", command)
    assert done.returncode == 1
    assert words in done.stdout


def test_a_plugin_that_hangs_is_given_up() -> None:
    done = check("--timeout", "1", "--command", "sleep 60")
    assert done.returncode == 1
    assert "it did not come within 1 s" in done.stdout


def test_usage() -> None:
    assert check().returncode == 2
    assert check("plugins:Loud", "--command", "true").returncode == 2


def wav(path: Path, samples: np.ndarray[Any, Any], rate: int = 16000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def test_a_recording_of_ones_own_is_heard(tmp_path: Path) -> None:
    samples = np.zeros(48000)
    samples[32000:32010] = 16384
    path = wav(tmp_path / "party.wav", samples)
    done = check("plugins:Loud", "--sound", str(path))
    line = next(line for line in done.stdout.splitlines() if "party.wav" in line)
    assert done.returncode == 0, done.stdout
    assert "best laughter score 0.500 at 2.00 s" in line


def test_channels_are_mixed(tmp_path: Path) -> None:
    stereo = np.array([[16384, 0], [-16384, -16384]])
    np.testing.assert_array_equal(read_wav(wav(tmp_path / "a.wav", stereo, channels=2), 16000), [0.25, -0.5])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"rate": 8000}, "16 bits at 8000 Hz, want 16 at 16000"),
        ({"width": 1}, "8 bits"),
        (None, "convert it: ffmpeg -i bad.wav -ar 16000"),
    ],
)
def test_a_recording_that_does_not_fit_is_told(content: dict[str, int] | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.wav"
    if content is None:
        path.write_bytes(b"no sound")
    else:
        wav(path, np.zeros(100), **content)
    done = check("plugins:Loud", "--sound", str(path))
    assert done.returncode == 1
    assert words in next(line for line in done.stdout.splitlines() if line.startswith("FAIL  bad.wav"))
