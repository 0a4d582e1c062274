"""Google's YAMNet as a plugin, with ai-edge-litert: python -m chortle_yamnet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from chortle_plugin import Description, Model, Samples
from chortle_plugin.files import cache_dir, checked, labels_inside

SHA256 = "10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de"
LAUGHTER = ("Laughter", "Baby laughter", "Giggle", "Snicker", "Belly laugh", "Chuckle, chortle")


class YAMNet(Model):
    """The one pinned file, from CHORTLE_WEIGHTS or the cache folder, where `orchestrator setup` puts it."""

    def __init__(self) -> None:
        path = Path(os.environ.get("CHORTLE_WEIGHTS") or cache_dir() / "models/yamnet.tflite")
        # One frame is too little work to share: a second thread takes 40 % more CPU and saves next to no time.
        threads = int(os.environ.get("CHORTLE_MODEL_THREADS") or 1)
        self._interpreter = Interpreter(model_content=checked(path, SHA256), num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._labels = labels_inside(path, "yamnet_label_list.txt")

    def describe(self) -> Description:
        """The model as published."""
        return Description(
            name="yamnet",
            version="1",
            weights_sha256=SHA256,
            sample_rate_hz=16000,
            window_samples=15600,
            hop_samples=7680,
            labels=self._labels,
            laughter=LAUGHTER,
            plugin="chortle_yamnet",
        )

    def predict(self, window: Samples) -> npt.ArrayLike:
        """Scores of the 521 classes of AudioSet."""
        self._interpreter.set_tensor(self._input, window)
        self._interpreter.invoke()
        return cast("npt.ArrayLike", self._interpreter.get_tensor(self._output)[0])
