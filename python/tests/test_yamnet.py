"""The real model on real sound, against the scores that the Go half wrote down."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import frames, recording

from chortle_plugin._host import Host
from chortle_plugin.files import cache_dir, labels_inside
from chortle_yamnet import LAUGHTER, SHA256

ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "inferd/yamnet/testdata/golden.json"
AUDIO = Path(os.environ.get("CHORTLE_TEST_AUDIO") or ROOT.parent / "shared/audio")
MODEL = Path(os.environ.get("CHORTLE_WEIGHTS") or cache_dir() / "models/yamnet.tflite")
EXAMPLES = Path(__file__).parent.parent / "examples"

PLUGINS = {
    "chortle_yamnet": [sys.executable, "-m", "chortle_yamnet"],
    "runner": [sys.executable, "-m", "chortle_plugin.runner", str(EXAMPLES / "yamnet.toml")],
}

# The values that a score can have: the sigmoid of an int8 in steps of this, rounded to 1/256.
STEP = 0.3471774756908417
LEVELS = np.unique([min(round(256 / (1 + math.exp(-STEP * (q - 100)))), 255) / 256 for q in range(-128, 128)])


def need(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path} is missing: run `make setup`")
    return path


def ffmpeg() -> str:
    return shutil.which("ffmpeg") or str(need(cache_dir() / "bin/ffmpeg"))


def sound(path: Path) -> Any:
    command = [ffmpeg(), "-v", "error", "-nostdin", "-i", str(path), "-ac", "1", "-ar", "16000", "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, "<f4")


def level(score: float) -> int:
    return int(np.abs(LEVELS - score).argmin())


@pytest.fixture(scope="module", params=PLUGINS)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    need(MODEL)
    with Host(PLUGINS[request.param], timeout=60) as started:
        started.connect()
        yield started
        assert started.shut_down() == 0


def test_describes_the_pinned_model(host: Host) -> None:
    model = host.model()
    assert (model.name, model.weights_sha256) == ("yamnet", SHA256)
    assert (model.sample_rate_hz, model.window_samples, model.hop_samples) == (16000, 15600, 7680)
    assert len(model.labels) == 521
    assert [model.labels[i] for i in model.laughter] == list(LAUGHTER)
    assert list(model.laughter) == [13, 14, 15, 16, 17, 18]


def test_scores_are_those_of_the_go_half(host: Host) -> None:
    golden = json.loads(GOLDEN.read_text())
    assert golden["sha256"] == SHA256
    assert golden["labels"] == list(LAUGHTER)
    if not AUDIO.exists():
        pytest.skip("there is no real sound here: name a folder of it by CHORTLE_TEST_AUDIO")
    compared = 0
    for name, want in golden["files"].items():
        samples = sound(AUDIO / name)
        assert abs(len(samples) - want["samples"]) <= 16, name
        cuts = range(10_000, len(samples), 10_000)
        got = frames(host.send(recording(samples, cuts, labels=host.model().laughter)))
        if len(samples) == want["samples"]:
            assert [at for at, _ in got] == [at for at, *_ in want["frames"]], name
        for (at, scores), (_, *wanted) in zip(got, want["frames"], strict=False):
            for label, score, old in zip(LAUGHTER, scores, wanted, strict=True):
                assert abs(level(score) - level(old)) <= 1, f"{name} at {at}: {label} is {score}, want {old}"
                compared += 1
    assert compared > 6 * len(golden["files"])


@pytest.mark.parametrize("spoiled", [False, True])
def test_refuses_another_file(spoiled: bool, tmp_path: Path) -> None:
    path = tmp_path / "yamnet.tflite"
    if spoiled:
        path.write_bytes(need(MODEL).read_bytes()[:-1])
    with Host(["env", f"CHORTLE_WEIGHTS={path}", *PLUGINS["chortle_yamnet"]], timeout=30) as host:
        with pytest.raises(Exception, match="exit code 1"):
            host.connect()
    words = "its sha256 is" if spoiled else "No such file or directory"
    assert f"read model {path}: {words}" in host.stderr[-1]
    assert SHA256 in host.stderr[-1]


def test_labels_must_be_inside() -> None:
    with pytest.raises(ValueError, match="There is no item named"):
        labels_inside(need(MODEL), "other.txt")


@pytest.mark.parametrize(
    ("environ", "want"),
    [
        ({"CHORTLE_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/chortle"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/c"}, "/c/.cache/chortle"),
        ({"HOME": "/c"}, "/c/.cache/chortle"),
    ],
)
def test_the_cache_folder_is_the_go_halfs(environ: dict[str, str], want: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", environ["HOME"])
    assert cache_dir(environ) == Path(want)
