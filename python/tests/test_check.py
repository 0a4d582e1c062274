from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
