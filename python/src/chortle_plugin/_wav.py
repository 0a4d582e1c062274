"""Recordings for the check: WAV files, as any recorder or ffmpeg writes them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ._errors import PluginError
from ._model import Samples

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


def read_wav(path: Path, rate: int) -> Samples:
    """The sound of a WAV file of 8, 16, 24 or 32-bit integers, or of floats, its channels mixed into one.

    Raises:
        PluginError: it cannot be read, or has another sample rate; says how to convert it.

    """
    try:
        chunks = _chunks(path.read_bytes())
        form = chunks[b"fmt "]
        kind, channels, found, _, _, bits = struct.unpack_from("<HHIIHH", form)
        if kind == _EXTENSIBLE:
            (kind,) = struct.unpack_from("<H", form, 24)
        if not channels:
            raise ValueError("it has no channels")
        if found != rate:
            raise ValueError(f"it has {found} Hz, want {rate}")
        data = chunks[b"data"]
        frame = channels * bits // 8
        samples = _samples(data[: len(data) - len(data) % max(1, frame)], kind, bits)
        if not np.isfinite(samples).all():
            raise ValueError("a sample is not a finite number")
    except KeyError as err:
        raise PluginError(f"read {path}: it is no WAV file: no chunk {err}") from err
    except (OSError, ValueError, struct.error) as err:
        remedy = f"convert it: ffmpeg -i {path.name} -ar {rate} -ac 1 -c:a pcm_s16le converted.wav"
        raise PluginError(f"read {path}: {err}; {remedy}") from err
    mixed: Samples = samples.reshape(-1, channels).mean(axis=1, dtype=np.float32)
    return mixed


def _chunks(content: bytes) -> dict[bytes, bytes]:
    """The chunks of the file by their names. One whose length is not known, as in a pipe, goes on to the end."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise ValueError("it is no WAV file")
    chunks: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        chunks.setdefault(name, content[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    return chunks


def _samples(data: bytes, kind: int, bits: int) -> npt.NDArray[np.floating]:
    """The samples of all channels in turn, full scale is -1 to 1."""
    if kind == _FLOAT and bits in (32, 64):
        return np.frombuffer(data, f"<f{bits // 8}")
    if kind == _PCM and bits == 8:  # these alone have no sign
        return (np.frombuffer(data, "u1") - np.float32(128)) / 128
    if kind == _PCM and bits == 24:
        wide = np.zeros((len(data) // 3, 4), "u1")
        wide[:, 1:] = np.frombuffer(data, "u1").reshape(-1, 3)
        data, bits = wide.tobytes(), 32
    if kind == _PCM and bits in (16, 32):
        return np.frombuffer(data, f"<i{bits // 8}") / np.float32(1 << bits - 1)
    raise ValueError(f"it has samples of format {kind} with {bits} bits, want 8, 16, 24 or 32-bit integers or floats")
