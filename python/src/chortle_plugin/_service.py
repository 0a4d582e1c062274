"""InferenceService over a Model: checks what comes in, frames it, asks the model, answers."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import grpc
import numpy as np
import numpy.typing as npt

from ._errors import RequestError, ScoresError
from ._framing import Framer
from ._gen import inference_pb2 as pb
from ._gen import inference_pb2_grpc as pb_grpc
from ._model import Model, Samples

MAX_PCM_BYTES = 4 << 20
MAX_MESSAGE_BYTES = MAX_PCM_BYTES + (64 << 10)
FRAME_BYTES = 32  # keys, lengths and position of a frame in its answer take less

_BATCH = 32  # windows that the model is given at once; 2 MB of YAMNet's
_SAMPLE_BYTES = {pb.PCM_ENCODING_S16LE: 2, pb.PCM_ENCODING_F32LE: 4}
_ROUNDING = 1e-4  # how far beyond 0..1 float arithmetic may carry a softmax

_log = logging.getLogger("chortle_plugin")


class _ModelError(Exception):
    """The model raised, or returned what is no score; the cause is chained."""


@dataclass
class _Stream:
    """What the first message settles."""

    labels: npt.NDArray[np.intp]
    floor: np.float32
    encoding: pb.PcmEncoding
    framer: Framer
    hop: int
    logits: bool
    chunks: int = 0


class InferenceService(pb_grpc.InferenceServiceServicer):
    """The service of chortle.inference.v1. Streams may run at the same time; the model is asked by one at a time."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._asking = threading.Lock()
        self._description = model.describe()
        self._laughter = self._description.laughter_indices()

    def GetModel(self, request: pb.GetModelRequest, context: grpc.ServicerContext) -> pb.GetModelResponse:  # noqa: ARG002, N802
        """Describe the model."""
        d = self._description
        return pb.GetModelResponse(
            name=d.name,
            version=d.version,
            weights_sha256=d.weights_sha256,
            sample_rate_hz=d.sample_rate_hz,
            window_samples=d.window_samples,
            hop_samples=d.hop_samples,
            labels=d.labels,
            laughter=self._laughter,
            plugin=d.plugin,
            logits=d.logits,
            logit_step=d.logit_step,
        )

    def Classify(  # noqa: N802
        self, request_iterator: Iterator[pb.ClassifyRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.ClassifyResponse]:
        """Score one recording. Reads a message only when the last one is answered, so a host that runs ahead waits."""
        try:
            yield from self._classify(request_iterator)
        except RequestError as err:
            _abort(context, err.code, str(err))
        except _ModelError as err:
            _log.error("%s", err, exc_info=err.__cause__)
            _abort(context, grpc.StatusCode.INTERNAL, str(err))

    def _classify(self, requests: Iterator[pb.ClassifyRequest]) -> Iterator[pb.ClassifyResponse]:
        stream: _Stream | None = None
        for request in requests:
            payload = request.WhichOneof("payload")
            if stream is None:
                if payload != "config":
                    raise _invalid(f"read stream: the first message is {payload or 'empty'}, want config")
                stream = self._open(request.config)
                continue
            if payload != "chunk":
                raise _invalid(f"read stream: a message behind the first is {payload or 'empty'}, want chunk")
            first, windows = stream.framer.push(_samples(request.chunk, stream))
            yield pb.ClassifyResponse(chunk_index=stream.chunks, frames=self._frames(stream, first, windows))
            stream.chunks += 1
        if stream is None:
            raise _invalid("read stream: it ended before its config")
        first, windows = stream.framer.finish()
        yield pb.ClassifyResponse(chunk_index=stream.chunks, frames=self._frames(stream, first, windows), final=True)

    def _open(self, config: pb.StreamConfig) -> _Stream:
        count = len(self._description.labels)
        if not 1 <= len(config.labels) <= count:
            raise _invalid(f"read config: {len(config.labels)} labels are asked for, want 1 to {count}")
        if (last := max(config.labels)) >= count:
            raise _invalid(f"read config: label {last} is asked for, the last is {count - 1}")
        if not 0 <= config.score_floor <= 1:  # also refuses NaN
            raise _invalid(f"read config: score_floor is {config.score_floor}, want 0..1")
        if config.encoding == pb.PCM_ENCODING_UNSPECIFIED:
            raise _invalid("read config: encoding is unspecified")
        if config.encoding not in _SAMPLE_BYTES:
            raise RequestError(
                grpc.StatusCode.UNIMPLEMENTED, f"read config: encoding {config.encoding} is not supported"
            )
        if config.logits and not self._description.logits:
            raise RequestError(
                grpc.StatusCode.UNIMPLEMENTED, "read config: logits are asked for, this model gives scores only"
            )
        window = self._description.window_samples
        hop = config.hop_samples or self._description.hop_samples
        if hop > window:
            raise RequestError(
                grpc.StatusCode.UNIMPLEMENTED,
                f"read config: a hop of {hop} samples, want at most the window, {window}",
            )
        return _Stream(
            labels=np.array(config.labels),
            floor=np.float32(config.score_floor),
            encoding=config.encoding,
            framer=Framer(window, hop),
            hop=hop,
            logits=config.logits,
        )

    def _frames(self, stream: _Stream, first: int, windows: Samples) -> list[pb.Frame]:
        """Frames of the windows, less those below the stream's floor."""
        frames: list[pb.Frame] = []
        floor = _logit(stream.floor) if stream.logits else stream.floor
        for start in range(0, len(windows), _BATCH):
            batch = windows[start : start + _BATCH].copy()  # the model may keep or change it
            values = self._ask(batch, stream.logits)[:, stream.labels]
            for row in np.flatnonzero((values >= floor).any(axis=1)):
                frame = pb.Frame(first_sample=first + (start + int(row)) * stream.hop)
                (frame.logits if stream.logits else frame.scores).extend(values[row].tolist())
                frames.append(frame)
        return frames

    def _ask(self, windows: Samples, logits: bool) -> Samples:
        """Scores or logits of all classes, one row a window, checked."""
        ask = self._model.predict_logits_batch if logits else self._model.predict_batch
        try:
            with self._asking:
                values = np.asarray(ask(windows), np.float32)
            return self._checked(values, len(windows), logits)
        except BaseException as err:  # also SystemExit: a model that calls sys.exit() must not hang its host
            message = f"ask model {self._description.name}: {type(err).__name__}: {err}"
            raise _ModelError(message) from err

    def _checked(self, scores: Samples, windows: int, logits: bool) -> Samples:
        want = (windows, len(self._description.labels))
        if scores.shape != want:
            raise ScoresError(f"scores have the shape {scores.shape}, want {want}: windows, labels")
        low, high = float(scores.min()), float(scores.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            kind = "logit" if logits else "score"
            label = self._description.labels[int(np.argmin(np.isfinite(scores).all(axis=0)))]
            raise ScoresError(f"a {kind} of the class {label!r} is not a finite number")
        if logits:
            return scores
        if low < -_ROUNDING or high > 1 + _ROUNDING:
            raise ScoresError(f"scores go from {low:g} to {high:g}, want 0..1; is a sigmoid or softmax missing?")
        return scores.clip(0, 1)


def _logit(score: np.float32) -> float:
    """The logit of a floor, 0 to 1."""
    if not 0 < score < 1:
        return math.inf if score >= 1 else -math.inf
    return math.log(score / (1 - score))


def _samples(chunk: pb.Chunk, stream: _Stream) -> Samples:
    """The chunk's samples, when the chunk is the one that must come next."""
    name = f"read chunk {chunk.index}"
    if chunk.index != stream.chunks:
        raise _invalid(f"{name}: want chunk {stream.chunks} next")
    if chunk.first_sample != stream.framer.received:
        raise _invalid(f"{name}: it starts at sample {chunk.first_sample}, want {stream.framer.received}")
    if len(chunk.pcm) > MAX_PCM_BYTES:
        raise _invalid(f"{name}: it holds {len(chunk.pcm)} bytes, want at most {MAX_PCM_BYTES}")
    if len(chunk.pcm) % _SAMPLE_BYTES[stream.encoding]:
        raise _invalid(f"{name}: {len(chunk.pcm)} bytes are not a whole number of samples")
    frames = stream.framer.complete(len(chunk.pcm) // _SAMPLE_BYTES[stream.encoding])
    most = (MAX_MESSAGE_BYTES - 64) // (FRAME_BYTES + 4 * len(stream.labels))
    if frames > most:
        raise _invalid(
            f"{name}: its {frames} frames do not fit into one answer, which holds {most}; "
            "send shorter chunks, or ask for a longer hop"
        )
    if stream.encoding == pb.PCM_ENCODING_S16LE:
        return np.frombuffer(chunk.pcm, "<i2") * np.float32(1 / 32768)
    samples = np.frombuffer(chunk.pcm, "<f4").astype(np.float32, copy=False)
    if not np.isfinite(samples).all():
        raise _invalid(f"{name}: a sample is not a finite number")
    return samples


def _invalid(message: str) -> RequestError:
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, message)


def _abort(context: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> NoReturn:
    # A status travels in HTTP/2 headers, which are limited to 8 KiB together.
    context.abort(code, message[:1000])
