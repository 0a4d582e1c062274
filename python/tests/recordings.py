"""Recordings as messages, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chortle_plugin import Samples
from chortle_plugin._gen import inference_pb2 as pb

S16, F32 = pb.PCM_ENCODING_S16LE, pb.PCM_ENCODING_F32LE


def config(labels: Iterable[int] = (0, 1), **fields: Any) -> pb.ClassifyRequest:
    return pb.ClassifyRequest(config=pb.StreamConfig(labels=labels, **{"encoding": F32, **fields}))


def chunk(index: int, first: int, samples: Any = (), dtype: str = "<f4") -> pb.ClassifyRequest:
    return raw(index, first, np.asarray(samples, dtype).tobytes())


def raw(index: int, first: int, pcm: bytes) -> pb.ClassifyRequest:
    return pb.ClassifyRequest(chunk=pb.Chunk(index=index, first_sample=first, pcm=pcm))


def recording(samples: Samples, cuts: Sequence[int] = (), **fields: Any) -> Iterator[pb.ClassifyRequest]:
    """A whole stream, cut at these positions, which are in order."""
    yield config(**fields)
    for index, (begin, end) in enumerate(pairwise([0, *cuts, len(samples)])):
        yield chunk(index, begin, samples[begin:end])


def frames(answers: Iterable[pb.ClassifyResponse]) -> list[tuple[int, list[float]]]:
    """All frames, when the answers come in order, the last one final."""
    answers = list(answers)
    assert [a.chunk_index for a in answers] == list(range(len(answers)))
    assert [a.final for a in answers] == [False] * (len(answers) - 1) + [True]
    return [(f.first_sample, list(f.scores)) for a in answers for f in a.frames]


def expected(samples: Samples, window: int, hop: int) -> list[tuple[int, Samples]]:
    """Windows of a recording, straight from the words of inference.proto."""
    starts = list(range(0, len(samples) - window + 1, hop))
    if len(samples) > (starts[-1] + window if starts else 0):
        starts.append(starts[-1] + hop if starts else 0)
    padded = np.concatenate((samples, np.zeros(window, np.float32)))
    return [(start, padded[start : start + window]) for start in starts]
