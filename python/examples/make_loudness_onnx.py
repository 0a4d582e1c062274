"""Writes loudness.onnx: mean absolute value of 0.5 s of sound, as logits of three made-up classes.

It is the smallest thing that needs everything of a model.toml: a two-dimensional input, an output
without activation, labels from a file. Run it with the `onnx` package installed.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WINDOW = 8000
# Logits are loudness * SLOPE + START: quiet ones are Silence, loud ones Laughter, very loud ones Giggle too.
SLOPE = np.array([[-20, 20, 20]], np.float32)
START = np.array([[2, -4, -8]], np.float32)


def model() -> bytes:
    """The model's file."""
    graph = helper.make_graph(
        [
            helper.make_node("Abs", ["sound"], ["positive"]),
            helper.make_node("ReduceMean", ["positive"], ["loudness"], axes=[1], keepdims=1),
            helper.make_node("MatMul", ["loudness", "slope"], ["scaled"]),
            helper.make_node("Add", ["scaled", "start"], ["logits"]),
        ],
        "loudness",
        [helper.make_tensor_value_info("sound", TensorProto.FLOAT, [1, WINDOW])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, SLOPE.size])],
        [numpy_helper.from_array(SLOPE, "slope"), numpy_helper.from_array(START, "start")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    content: bytes = made.SerializeToString()
    return content


if __name__ == "__main__":
    Path(__file__).with_name("loudness.onnx").write_bytes(model())
