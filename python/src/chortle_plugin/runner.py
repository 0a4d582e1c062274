"""Serves a published model without code: python -m chortle_plugin.runner model.toml.

The keys of model.toml are told in docs/writing-a-plugin.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import ConfigError, Description, Model, Samples, serve
from ._serve import add_allow_remote
from ._spec import Spec, read_spec
from .files import checked

_Run: TypeAlias = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


class TomlModel(Model):
    """The model that a model.toml describes. It is tried once, on silence, so that a mistake shows at the start."""

    def __init__(self, path: Path) -> None:
        self._spec = spec = read_spec(path)
        weights = checked(spec.file, spec.description.weights_sha256)
        try:
            self._run = _RUNTIMES[spec.runtime](weights, spec)
            silence = self.predict(np.zeros(spec.description.window_samples, np.float32))
        except ImportError as err:
            raise ConfigError(f"load {spec.file}: {err}; pip install {_PACKAGES[spec.runtime]}") from err
        except ConfigError:
            raise
        except Exception as err:  # whatever a runtime may raise
            raise ConfigError(f"load {spec.file} with {spec.runtime}: {err}") from err
        if (scores := np.size(silence)) != (labels := len(spec.description.labels)):
            raise ConfigError(f"load {spec.file}: it gives {scores} scores, but there are {labels} labels")

    def describe(self) -> Description:
        """What the model.toml says."""
        return self._spec.description

    def predict(self, window: Samples) -> Samples:
        """The model's output for the window, as scores."""
        return _ACTIVATIONS[self._spec.activation](self._output(window))

    def predict_logits(self, window: Samples) -> Samples:
        """The model's output before its activation, which is a sigmoid where the host asks for this."""
        return self._output(window)

    def _output(self, window: Samples) -> Samples:
        """What the model says of the window, as it wants its input."""
        values = window * np.float32(self._spec.scale) + np.float32(self._spec.offset)
        dtype = np.dtype(self._spec.dtype)
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            values = np.rint(values).clip(limits.min, limits.max)
        output = self._run(values.astype(dtype, copy=False).reshape(self._spec.input_shape))
        return output.astype(np.float32, copy=False).ravel()


def _litert(weights: bytes, spec: Spec) -> _Run:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=weights, num_threads=spec.threads)
    source = _pick("input", spec.input_name, {d["name"]: d for d in interpreter.get_input_details()})
    if tuple(source["shape"]) != spec.input_shape:
        interpreter.resize_tensor_input(source["index"], spec.input_shape)
    interpreter.allocate_tensors()
    target = _pick("output", spec.output_name, {d["name"]: d for d in interpreter.get_output_details()})
    step, zero = target["quantization"]

    def run(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        interpreter.set_tensor(source["index"], values)
        interpreter.invoke()
        output: npt.NDArray[Any] = interpreter.get_tensor(target["index"])
        return (output.astype(np.float32) - zero) * step if step else output

    return run


def _onnx(weights: bytes, spec: Spec) -> _Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = spec.threads
    session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    source = _pick("input", spec.input_name, {each.name: each.name for each in session.get_inputs()})
    target = _pick("output", spec.output_name, {each.name: each.name for each in session.get_outputs()})

    def run(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        output: npt.NDArray[Any] = session.run([target], {source: values})[0]
        return output

    return run


def _pick(kind: str, name: str, found: dict[str, Any]) -> Any:
    """The tensor of that name, or the only one."""
    if name in found:
        return found[name]
    if name or len(found) != 1:
        raise ConfigError(f"{kind}.name is {name!r}, want one of {', '.join(found)}")
    return next(iter(found.values()))


def _sigmoid(logits: Samples) -> Samples:
    scores: Samples = np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * logits))  # this form never overflows
    return scores


def _softmax(logits: Samples) -> Samples:
    powers: Samples = np.exp(logits - logits.max())
    scores: Samples = powers / powers.sum()
    return scores


_PACKAGES = {"litert": "ai-edge-litert", "onnx": "onnxruntime"}
_RUNTIMES: dict[str, Callable[[bytes, Spec], _Run]] = {"litert": _litert, "onnx": _onnx}
_ACTIVATIONS: dict[str, Callable[[Samples], Samples]] = {
    "none": lambda scores: scores,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
}


def main(argv: list[str] | None = None) -> None:
    """Serve the model of the command line."""
    parser = argparse.ArgumentParser(prog="python -m chortle_plugin.runner", description=__doc__)
    parser.add_argument("model", type=Path, metavar="MODEL.TOML")
    parser.add_argument("--listen", metavar="ADDRESS", help="127.0.0.1:7070 or unix:PATH, for grpcurl")
    add_allow_remote(parser)
    args = parser.parse_args(argv)
    serve(lambda: TomlModel(args.model), listen=args.listen, allow_remote=args.allow_remote)


if __name__ == "__main__":
    main()
