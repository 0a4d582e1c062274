from __future__ import annotations

import hashlib
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import frames, recording

from chortle_plugin import ConfigError
from chortle_plugin._host import Host
from chortle_plugin._spec import read_spec
from chortle_plugin.runner import TomlModel

EXAMPLES = Path(__file__).parent.parent / "examples"
TOML = (EXAMPLES / "loudness.toml").read_text()


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    """loudness.toml with these replacements, beside the model and its labels."""
    text = TOML
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    for name in ("loudness.onnx", "loudness.csv"):
        (folder / name).write_bytes((EXAMPLES / name).read_bytes())
    path = folder / "model.toml"
    path.write_text(text)
    return path


def loudness(level: float, activation: str = "sigmoid") -> Any:
    logits = level * np.array([-20, 20, 20]) + [2, -4, -8]
    if activation == "none":
        return logits
    powers = np.exp(logits)
    return powers / powers.sum() if activation == "softmax" else powers / (1 + powers)


def test_the_example_is_what_its_script_makes() -> None:
    made = runpy.run_path(str(EXAMPLES / "make_loudness_onnx.py"))["model"]()
    assert (EXAMPLES / "loudness.onnx").read_bytes() == made


def test_describes_the_model() -> None:
    model = TomlModel(EXAMPLES / "loudness.toml").describe()
    assert (model.name, model.sample_rate_hz, model.window_samples, model.hop_samples) == (
        "loudness",
        16000,
        8000,
        4000,
    )
    assert list(model.labels) == ["Silence", "Laughter", "Giggle"]
    assert model.laughter_indices() == [1, 2]
    assert model.weights_sha256 == hashlib.sha256((EXAMPLES / "loudness.onnx").read_bytes()).hexdigest()


@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "none"])
@pytest.mark.parametrize("level", [0, 0.1, 0.4])
def test_scores_an_onnx_model(tmp_path: Path, activation: str, level: float) -> None:
    model = TomlModel(written(tmp_path, ('"sigmoid"', f'"{activation}"')))
    scores = model.predict(np.full(8000, -level, np.float32))
    np.testing.assert_allclose(scores, loudness(level, activation), atol=1e-4)


def test_activations_do_not_overflow(tmp_path: Path) -> None:
    for activation in ("sigmoid", "softmax"):
        changes = (('"sigmoid"', f'"{activation}"'), ("[input]", "[input]\nscale = 1e6"))
        scores = TomlModel(written(tmp_path, *changes)).predict(np.ones(8000, np.float32))
        assert np.isfinite(scores).all()
        assert scores[0] == pytest.approx(0)


def test_scale_and_offset_come_before_the_model(tmp_path: Path) -> None:
    path = written(tmp_path, ("[input]", "[input]\nscale = 0.5\noffset = 0.1"))
    np.testing.assert_allclose(TomlModel(path).predict(np.full(8000, 0.4, np.float32)), loudness(0.3), atol=1e-5)


def test_serves_under_a_host() -> None:
    command = [sys.executable, "-m", "chortle_plugin.runner", str(EXAMPLES / "loudness.toml")]
    with Host(command, timeout=30) as host:
        host.connect()
        assert host.model().plugin == "chortle_plugin.runner"
        sound = np.full(12000, 0.25, np.float32)
        for _, scores in frames(host.send(recording(sound, [5000], labels=[0, 1, 2]))):
            np.testing.assert_allclose(scores, loudness(0.25), atol=1e-5)
        assert host.shut_down() == 0


def test_an_onnx_model_does_not_import_litert() -> None:
    code = (
        "import sys; from pathlib import Path; from chortle_plugin.runner import TomlModel; "
        f"TomlModel(Path({str(EXAMPLES / 'loudness.toml')!r})); "
        "assert 'onnxruntime' in sys.modules; assert not {'ai_edge_litert', 'grpc'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_model_may_lie_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path)
    cached = tmp_path / "cache" / "models" / "loudness.onnx"
    cached.parent.mkdir(parents=True)
    (tmp_path / "loudness.onnx").rename(cached)
    with pytest.raises(ConfigError, match=r"No such file or directory; want the file with sha256"):
        TomlModel(path)
    monkeypatch.setenv("CHORTLE_CACHE_DIR", str(tmp_path / "cache"))
    assert read_spec(path).file == cached
    TomlModel(path)


MISTAKES = {
    "not TOML": (("[input]", "[input"), "model.toml: "),
    "no name": (('name = "loudness"\n', ""), "model.toml: name is missing"),
    "unknown key": (("[input]", "[input]\nshap = 3"), "input.shap is not a key of model.toml"),
    "unknown table": (("[input]", "[inputs]\na = 1\n[input]"), "inputs is not a key of model.toml"),
    "a table in its place": (
        ("[output]", "[output.activation]"),
        "output.activation is {'activation': 'sigmoid'}, want str",
    ),
    "unknown runtime": (('"onnx"', '"torch"'), "runtime is 'torch', want one of litert, onnx"),
    "unknown dtype": (("[input]", '[input]\ndtype = "f4"'), "input.dtype is 'f4', want one of float32"),
    "unknown activation": (('"sigmoid"', '"relu"'), "output.activation is 'relu', want one of none, sigmoid"),
    "window is text": (
        ("window_samples = 8000", 'window_samples = "8000"'),
        "input.window_samples is '8000', want int",
    ),
    "scale is text": (("[input]", '[input]\nscale = "1"'), "input.scale is '1', want a number"),
    "scale is infinite": (("[input]", "[input]\nscale = inf"), "input.scale is inf, want a finite number"),
    "scale is no number": (("[input]", "[input]\nscale = nan"), "input.scale is nan, want a finite number"),
    "scale is too large": (("[input]", "[input]\nscale = 1e39"), "input.scale is 1e+39, want a finite number"),
    "scale is huge": (("[input]", f"[input]\nscale = {10**400}"), ", want a finite number"),
    "offset is infinite": (("[input]", "[input]\noffset = -inf"), "input.offset is -inf, want a finite number"),
    "threads below 1": (("[input]", "threads = -3\n[input]"), "threads is -3, want 1 to 256"),
    "too many threads": (("[input]", "threads = 257\n[input]"), "threads is 257, want 1 to 256"),
    "window below 1": (("window_samples = 8000", "window_samples = -1"), "input.window_samples is -1, want 1 to "),
    "shape of another size": (("[1, 8000]", "[1, 800]"), "input.shape is [1, 800], want sizes whose product is"),
    "shape of text": (("[1, 8000]", '["x"]'), "input.shape is ['x'], want sizes"),
    "no labels": (('file = "loudness.csv"', ""), "labels: want one of names, inside and file, got none"),
    "labels twice": (("[labels]", '[labels]\nnames = ["a"]'), "want one of names, inside and file, got names, file"),
    "labels of numbers": (('file = "loudness.csv"', "names = [1]"), "labels.names is [1], want a list of strings"),
    "labels not there": (("loudness.csv", "labels.csv"), "labels.file: "),
    "no such column": (('"display_name"', '"name"'), "has no column 'name'"),
    "labels not inside": (('file = "loudness.csv"', 'inside = "labels.txt"'), "read labels labels.txt in "),
    "model not there": (('"loudness.onnx"', '"other.onnx"'), "No such file or directory; want the file with sha256"),
    "another model": (('sha256 = "', 'sha256 = "0'), "its sha256 is "),
    "another input": (("[input]", '[input]\nname = "audio"'), "input.name is 'audio', want one of sound"),
    "another output": (("[output]", '[output]\nname = "scores"'), "output.name is 'scores', want one of logits"),
    "too few labels": (('column = "display_name"', ""), "it gives 3 scores, but there are 4 labels"),
    "another rank": (("[1, 8000]", "[8000]"), "with onnx: "),
    "another dtype": (("[input]", '[input]\ndtype = "int16"'), "with onnx: "),
    "another runtime": (('"onnx"', '"litert"'), "with litert: "),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_in_the_toml_is_named(tmp_path: Path, case: str) -> None:
    change, words = MISTAKES[case]
    with pytest.raises(ConfigError) as caught:
        TomlModel(written(tmp_path, change))
    assert words in str(caught.value)


def test_labels_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "loudness.csv").write_bytes("display_name\nGelächter\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"model\.toml: labels\.file: .*loudness\.csv is not UTF-8: "):
        TomlModel(path)


@pytest.mark.parametrize(("runtime", "package"), [("onnx", "onnxruntime"), ("litert", "ai-edge-litert")])
def test_a_runtime_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str, package: str
) -> None:
    for module in ("onnxruntime", "ai_edge_litert.interpreter"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=f"; pip install {package}$"):
        TomlModel(written(tmp_path, ('"onnx"', f'"{runtime}"')))


def test_a_toml_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"read /nowhere/model\.toml: "):
        TomlModel(Path("/nowhere/model.toml"))
