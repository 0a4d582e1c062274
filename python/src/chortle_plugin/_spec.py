"""model.toml: what the generic runner is told of a model."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ._errors import ConfigError
from ._model import Description
from .files import cache_dir, labels_inside

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RUNTIMES = ("litert", "onnx")
DTYPES = ("float32", "float16", "int16", "int8", "uint8")
ACTIVATIONS = ("none", "sigmoid", "softmax")
MOST_THREADS = 256

_MOST_SAMPLES = (1 << 32) - 1

_LARGEST = float(np.finfo(np.float32).max)

_T = TypeVar("_T")


@dataclass(frozen=True)
class Spec:
    """A model.toml that was read and checked; its model's file is not opened yet."""

    description: Description
    file: Path
    runtime: str
    threads: int
    """How many the runtime may use for one window."""
    input_name: str
    """Empty: the model's only input; output_name alike."""
    input_shape: tuple[int, ...]
    dtype: str
    scale: float
    """A sample s in [-1, 1] is given to the model as s * scale + offset."""
    offset: float
    output_name: str
    activation: str


def read_spec(path: Path) -> Spec:
    """Read a model.toml.

    Raises:
        ConfigError: it cannot be read or used; names the key.

    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ConfigError(f"read {path}: {err}") from err
    try:
        return _spec(_Table(document, ""), path.parent)
    except ConfigError as err:
        raise ConfigError(f"read {path}: {err}") from err


def _spec(top: _Table, folder: Path) -> Spec:
    given, output, labels = top.table("input"), top.table("output"), top.table("labels")
    file = _find(top.take("file", str), folder)
    window = given.count("window_samples")
    activation = output.choose("activation", ACTIVATIONS, "none")
    spec = Spec(
        description=Description(
            name=top.take("name", str),
            version=top.take("version", str, ""),
            weights_sha256=top.take("sha256", str).lower(),
            sample_rate_hz=given.count("sample_rate_hz"),
            window_samples=window,
            hop_samples=given.count("hop_samples"),
            labels=_labels(labels, file, folder),
            laughter=labels.strings("laughter"),
            plugin="chortle_plugin.runner",
            logits=activation == "sigmoid",
        ),
        file=file,
        runtime=top.choose("runtime", RUNTIMES),
        threads=top.count("threads", 1, most=MOST_THREADS),
        input_name=given.take("name", str, ""),
        input_shape=given.shape("shape", window),
        dtype=given.choose("dtype", DTYPES, "float32"),
        scale=given.number("scale", 1),
        offset=given.number("offset", 0),
        output_name=output.take("name", str, ""),
        activation=activation,
    )
    for table in (given, output, labels, top):
        table.all_taken()
    return spec


def _find(name: str, folder: Path) -> Path:
    """The file beside the model.toml, else among the models of the cache folder."""
    beside = folder / Path(name).expanduser()
    cached = cache_dir() / "models" / name
    return cached if cached.exists() and not beside.exists() else beside


def _labels(table: _Table, model: Path, folder: Path) -> list[str]:
    """From one of: names, a list; inside, a file in the model's own zip; file, a text or CSV file."""
    ways = [key for key in ("names", "inside", "file") if key in table.left]
    if len(ways) != 1:
        raise ConfigError(f"labels: want one of names, inside and file, got {', '.join(ways) or 'none'}")
    if ways == ["names"]:
        return table.strings("names")
    if ways == ["inside"]:
        return labels_inside(model, table.take("inside", str))
    path = folder / table.take("file", str)
    column = table.take("column", str, "")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [row[column] for row in csv.DictReader(file)] if column else file.read().splitlines()
    except (OSError, csv.Error) as err:
        raise ConfigError(f"labels.file: {err}") from err
    except UnicodeDecodeError as err:
        raise ConfigError(f"labels.file: {path} is not UTF-8: {err}") from err
    except KeyError as err:
        raise ConfigError(f"labels.column: {path} has no column {column!r}") from err


class _Table:
    """A TOML table whose keys are taken one after the other, so that what nobody knows is noticed."""

    def __init__(self, values: Mapping[str, Any], name: str) -> None:
        self.left = dict(values)
        self._prefix = f"{name}." if name else ""

    def take(self, key: str, kind: type[_T], default: _T | None = None) -> _T:
        value = self.left.pop(key, default)
        if value is None:
            raise ConfigError(f"{self._prefix}{key} is missing")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ConfigError(f"{self._prefix}{key} is {value!r}, want {kind.__name__}")
        return value

    def count(self, key: str, default: int | None = None, most: int = _MOST_SAMPLES) -> int:
        value = self.take(key, int, default)
        if not 1 <= value <= most:
            raise ConfigError(f"{self._prefix}{key} is {value}, want 1 to {most}")
        return value

    def number(self, key: str, default: float) -> float:
        value = self.left.pop(key, default)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise ConfigError(f"{self._prefix}{key} is {value!r}, want a number")
        if not abs(value) <= _LARGEST:  # also refuses NaN
            raise ConfigError(f"{self._prefix}{key} is {value}, want a finite number")
        return float(value)

    def choose(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self.take(key, str, default)
        if value not in choices:
            raise ConfigError(f"{self._prefix}{key} is {value!r}, want one of {', '.join(choices)}")
        return value

    def strings(self, key: str) -> list[str]:
        values = self.take(key, list)
        if not all(isinstance(value, str) for value in values):
            raise ConfigError(f"{self._prefix}{key} is {values!r}, want a list of strings")
        return values

    def shape(self, key: str, samples: int) -> tuple[int, ...]:
        sizes = self.take(key, list, [samples])
        product = 1
        for size in sizes:
            product *= size if isinstance(size, int) else 0
        if product != samples:
            raise ConfigError(f"{self._prefix}{key} is {sizes}, want sizes whose product is window_samples, {samples}")
        return tuple(sizes)

    def table(self, key: str) -> _Table:
        return _Table(self.take(key, dict, {}), key)

    def all_taken(self) -> None:
        if self.left:
            raise ConfigError(f"{self._prefix}{next(iter(self.left))} is not a key of model.toml")
