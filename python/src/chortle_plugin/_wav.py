"""Recordings for the check: WAV files, as any recorder or ffmpeg writes them."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from ._errors import PluginError
from ._model import Samples


def read_wav(path: Path, rate: int) -> Samples:
    """The sound of a WAV file of 16-bit samples, its channels mixed into one.

    Raises:
        PluginError: it cannot be read, or has another sample rate; says how to convert it.

    """
    remedy = f"convert it: ffmpeg -i {path.name} -ar {rate} -ac 1 -c:a pcm_s16le converted.wav"
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, found = file.getsampwidth(), file.getnchannels(), file.getframerate()
            pcm = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as err:
        raise PluginError(f"read {path}: {err}; {remedy}") from err
    if width != 2 or found != rate:
        raise PluginError(f"read {path}: it has {8 * width} bits at {found} Hz, want 16 at {rate}; {remedy}")
    frames = np.frombuffer(pcm, "<i2").reshape(-1, channels)
    mixed: Samples = frames.mean(axis=1, dtype=np.float32) / np.float32(32768)
    return mixed
