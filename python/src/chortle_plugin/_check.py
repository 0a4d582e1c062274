"""Sees whether a plugin keeps the contract: python -m chortle_plugin check."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import grpc
import numpy as np

from ._errors import PluginError
from ._gen import inference_pb2 as pb
from ._host import Host
from ._model import Samples
from ._service import FRAME_BYTES, MAX_PCM_BYTES
from ._wav import read_wav

_SLACK = 1e-3  # by which scores of the same window may differ, batched one way or another
_ROUNDED = 5e-3  # by which a score may differ from what its logit stands for
_UNKNOWN_ENCODING = pb.ClassifyRequest(config=pb.StreamConfig(labels=[0], encoding=99))  # type: ignore[arg-type]
_INVALID = grpc.StatusCode.INVALID_ARGUMENT


_LIMIT = (_INVALID, grpc.StatusCode.RESOURCE_EXHAUSTED)
_ENDED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)  # what is seen of a process that is gone
_HOURS = 3  # of the long recording
_LONG_SECONDS = 20  # in which a slow model hears as much of it as it can
_MOST_GROWTH = 64 << 20  # of a model's memory in that time; a fifth of the sound
_PATIENCE = 2  # seconds that a plugin may take to end


class _BrokenError(Exception):
    """The plugin did not keep the contract; the message says in what."""


@dataclass
class _Answer:
    positions: list[int]
    scores: Samples


def check_plugin(command: list[str], timeout: float, recordings: Sequence[Path] = ()) -> int:
    """Start the plugin, check it, print a report; returns the exit code: 0 when it keeps the contract.

    Args:
        command: the program and its arguments.
        timeout: for each answer, in seconds.
        recordings: WAV files that the plugin is to hear too.

    """
    report = _Report()
    began = time.monotonic()
    host = None
    try:
        with Host(command, timeout) as host:
            host.connect()
            report.say("ok", "handshake", f"{time.monotonic() - began:.2f} s after the start")
            model = pb.GetModelResponse()
            report.run(host, "health", lambda: _health(host))
            if report.run(host, "description", lambda: _describe(host, model)):
                for name, check in Check(host, model, recordings).all():
                    report.run(host, name, check)
    except (PluginError, OSError) as err:
        report.say("FAIL", "start", str(err))
    if report.failed and host:
        print("\nthe plugin last wrote:", *map(_printable, host.stderr or ["nothing"]), sep="\n  ")  # noqa: T201
    print(f"\n{report.failed} failed" if report.failed else "\nthe plugin keeps the contract")  # noqa: T201
    return 1 if report.failed else 0


class _Report:
    """Prints a line for each check."""

    def __init__(self) -> None:
        self.failed = 0
        self._lost = False

    def run(self, host: Host, name: str, check: Callable[[], str]) -> bool:
        """Whether the check passed. Where nothing more can be had of the plugin, nothing more is checked."""
        if self._lost:
            return False
        try:
            said = check()
        except (_BrokenError, PluginError) as err:
            said = str(err)
        except TimeoutError as err:
            said, self._lost = str(err), True
        except grpc.RpcError as err:
            said = f"{err.code().name}: {err.details()}"
            if err.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                self._lost = True
            elif err.code() in _ENDED and (ended := host.ended()):
                said, self._lost = ended, True
        else:
            self.say("ok", name, said)
            return True
        self.say("FAIL", name, said)
        return False

    def say(self, verdict: str, name: str, said: str) -> None:
        """Print one line, whatever the text."""
        self.failed += verdict == "FAIL"
        print(f"{verdict:5} {name:27} {' '.join(_printable(said).split())}", flush=True)  # noqa: T201


def _printable(text: str) -> str:
    """The text in one line, without what could steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def _health(host: Host) -> str:
    if not host.healthy():
        raise _BrokenError("grpc.health.v1 does not say SERVING for the service plugin")
    return "serving"


def _describe(host: Host, m: pb.GetModelResponse) -> str:
    """Check the description and keep it in m. The rules are the orchestrator's."""
    m.CopyFrom(host.model())
    if m != host.model():
        raise _BrokenError("GetModel answers differently when asked again")
    if not (m.name and m.sample_rate_hz and m.window_samples and m.hop_samples and m.labels):
        raise _BrokenError("name, sample_rate_hz, window_samples, hop_samples and labels must not be empty")
    if not re.fullmatch("([0-9a-f]{64})?", m.weights_sha256):
        raise _BrokenError(f"weights_sha256 is {m.weights_sha256!r}, want 64 lower-case hexadecimal digits or nothing")
    if not 1000 <= m.sample_rate_hz <= 384_000:
        raise _BrokenError(f"sample_rate_hz is {m.sample_rate_hz}, want 1000 to 384000")
    if m.window_samples > 60 * m.sample_rate_hz:
        raise _BrokenError(f"window_samples is {m.window_samples}, want at most a minute, {60 * m.sample_rate_hz}")
    if m.hop_samples > m.window_samples:
        raise _BrokenError(f"hop_samples is {m.hop_samples}, want at most the window, {m.window_samples}")
    if not m.laughter or max(m.laughter) >= len(m.labels):
        raise _BrokenError(f"laughter is {list(m.laughter)}, want indices below {len(m.labels)}, at least one")
    names = [m.labels[i] for i in m.laughter]
    if "" in names or len(set(names)) < len(names):
        raise _BrokenError(f"laughter is {names}, want labels, each its own")
    return (
        f"{m.name}{m.version and ' ' + m.version}: {m.sample_rate_hz} Hz, window {m.window_samples}, "
        f"hop {m.hop_samples}, {_count(len(m.labels), 'label')}; laughter: {', '.join(names)}"
    )


class Check:
    """The checks of a model, each a method that returns what it saw or raises."""

    def __init__(self, host: Host, model: pb.GetModelResponse, recordings: Sequence[Path] = ()) -> None:
        self._host = host
        self._recordings = recordings
        self._model = model
        self._length = 12 * model.window_samples + 1
        # Samples of a chunk: ten seconds, unless it or the frames of its answer are more than a message holds.
        frames = MAX_PCM_BYTES // (FRAME_BYTES + 4 * len(model.labels))
        self._chunk = max(1, min(10 * model.sample_rate_hz, MAX_PCM_BYTES // 2, frames * model.hop_samples // 2))
        self._random = np.random.default_rng(1)

    def all(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Every check with its name, in order. The last one ends the plugin."""
        rate = self._model.sample_rate_hz
        seconds = np.arange(self._length) / rate
        sounds = {
            "silence": np.zeros(self._length),
            "noise": self._random.uniform(-1, 1, self._length),
            "tone": 0.5 * np.sin(2 * np.pi * 440 * seconds),
            "square wave at full scale": np.where(np.sin(2 * np.pi * 100 * seconds) < 0, -1, 32767 / 32768),
        }
        for name, sound in sounds.items():
            yield name, lambda sound=sound: self._sound(sound.astype(np.float32))  # type: ignore[misc]
        yield "no samples", lambda: self._sound(np.empty(0, np.float32))
        yield "one sample", lambda: self._sound(np.ones(1, np.float32))
        yield "exactly one window", lambda: self._sound(np.zeros(self._model.window_samples, np.float32))
        yield "cut into chunks", self._cuttings
        for path in self._recordings:
            yield path.name, lambda path=path: self._recording(path)  # type: ignore[misc]
        yield "another hop", self._hop
        yield "score floor", self._floor
        yield "logits", self._logits
        yield "two streams at once", self._together
        yield "cancelled stream", self._cancel
        yield "deadline", self._deadline
        for name, codes, requests in self._breaches():
            yield name, lambda codes=codes, requests=requests: self._refused(codes, requests)  # type: ignore[misc]
        yield "speed", self._speed
        yield "long recording", self._long
        yield "host killed", self._lose
        yield "shutdown", self._shutdown

    def _sound(self, sound: Samples) -> str:
        answer = self._classify([sound])
        want = self._positions(len(sound), self._model.hop_samples)
        if answer.positions != want:
            raise _BrokenError(f"frames at {_short(answer.positions)}, want {_short(want)}")
        if not want:
            return "no frames"
        low, high = float(answer.scores.min()), float(answer.scores.max())
        if not (low >= 0 and high <= 1):
            raise _BrokenError(f"scores go from {low:g} to {high:g}, want 0..1")
        best = float(answer.scores[:, list(self._model.laughter)].max())
        return f"{_count(len(want), 'frame')}, best laughter score {best:.3f}"

    def _positions(self, length: int, hop: int) -> list[int]:
        """Where frames start, written down from inference.proto and not from the framing that is checked."""
        window = self._model.window_samples
        positions = list(range(0, length - window + 1, hop))
        covered = positions[-1] + window if positions else 0
        if length > covered:
            positions.append(positions[-1] + hop if positions else 0)
        return positions

    def _cuttings(self) -> str:
        sound = self._random.uniform(-1, 1, self._length).astype(np.float32)
        want = self._classify([sound])
        window = self._model.window_samples
        cuts = {
            "of one window": range(0, self._length, window),
            "of a window less one": range(0, self._length, max(1, window - 1)),
            "of random lengths": sorted(self._random.integers(0, self._length, 50).tolist()),
            "of no samples between": [0, 0, 0, self._length // 2, self._length // 2],
        }
        for name, points in cuts.items():
            edges = [0, *points, self._length]
            self._same(f"chunks {name}", self._classify([sound[a:b] for a, b in pairwise(edges)]), want)
        return f"the same {len(want.positions)} frames for {len(cuts)} other cuttings"

    def _recording(self, path: Path) -> str:
        """A person's own sound, in chunks of ten seconds and in odd ones."""
        rate = self._model.sample_rate_hz
        sound = read_wav(path, rate)
        odd = 997 * rate // 1000
        heard = self._classify([sound])
        again = self._classify(sound[at : at + odd] for at in range(0, len(sound), odd))
        self._same("chunks of other lengths", again, heard)
        if not heard.positions:
            return "no frames"
        best = heard.scores[:, list(self._model.laughter)].max(axis=1)
        at = heard.positions[int(best.argmax())] / rate
        return f"{_count(len(best), 'frame')}, best laughter score {float(best.max()):.3f} at {at:.2f} s"

    def _hop(self) -> str:
        sound = self._random.uniform(-1, 1, self._length).astype(np.float32)
        hop = max(1, self._model.hop_samples // 2)
        try:
            answer = self._classify([sound], hop=hop)
        except grpc.RpcError as err:
            if err.code() == grpc.StatusCode.UNIMPLEMENTED:
                return "not supported, as it may say"
            raise
        want = self._positions(self._length, hop)
        if answer.positions != want:
            raise _BrokenError(f"a hop of {hop} gave frames at {_short(answer.positions)}, want {_short(want)}")
        return f"{len(want)} frames at a hop of {hop}"

    def _floor(self) -> str:
        sound = self._random.uniform(-1, 1, self._length).astype(np.float32)
        everything = self._classify([sound])
        if not everything.positions:
            raise _BrokenError("there are no frames")
        floor = float(np.float32(np.median(everything.scores.max(axis=1))))
        kept = [p for p, row in zip(everything.positions, everything.scores, strict=True) if row.max() >= floor]
        sure = [
            p for p, row in zip(everything.positions, everything.scores, strict=True) if abs(row.max() - floor) > _SLACK
        ]
        got = self._classify([sound], floor=floor).positions
        if set(got) & set(sure) != set(kept) & set(sure):
            raise _BrokenError(f"a floor of {floor:.3f} kept frames {_short(got)}, want {_short(kept)}")
        return f"{len(got)} of {len(everything.positions)} frames are {floor:.3f} or above"

    def _logits(self) -> str:
        """A model that has logits says what its scores come from; another refuses to be asked."""
        if not self._model.logits:
            ask = self._config(logits=True)
            self._refused((grpc.StatusCode.UNIMPLEMENTED,), [ask])
            return "scores only, which it says"
        sound = self._random.uniform(-1, 1, self._length).astype(np.float32)
        scores, logits = self._classify([sound]), self._classify([sound], logits=True)
        if scores.positions != logits.positions:
            raise _BrokenError(
                f"logits have frames at {_short(logits.positions)}, scores at {_short(scores.positions)}"
            )
        if not np.isfinite(logits.scores).all():
            raise _BrokenError("a logit is not a finite number")
        stood_for = 0.5 * (1 + np.tanh(0.5 * logits.scores))
        if (worst := float(np.abs(stood_for - scores.scores).max(initial=0))) > _ROUNDED:
            raise _BrokenError(f"scores differ by up to {worst:.3f} from what the logits stand for")
        return f"they stand for the scores of {_count(len(scores.positions), 'frame')}"

    def _together(self) -> str:
        sounds = [self._random.uniform(-1, 1, self._length).astype(np.float32) for _ in range(2)]
        alone = [self._classify([sound]) for sound in sounds]
        with ThreadPoolExecutor(2) as pool:
            for got, want in zip(pool.map(lambda sound: self._classify([sound]), sounds), alone, strict=True):
                self._same("together with another stream", got, want)
        return "the same frames as one after the other"

    def _cancel(self) -> str:
        answers = self._host.send(self._endless())
        if next(answers, None) is None:
            raise _BrokenError("the stream ended before it was cancelled")
        answers.close()  # type: ignore[attr-defined]
        return "and the next one: " + self._sound(np.zeros(self._length, np.float32))

    def _deadline(self) -> str:
        try:
            for _ in self._host.send(self._endless(), deadline=0.1):
                pass
        except grpc.RpcError as err:
            if err.code() != grpc.StatusCode.DEADLINE_EXCEEDED:
                raise
        else:
            raise _BrokenError("the stream ended before its deadline")
        return "and the next one: " + self._sound(np.zeros(self._length, np.float32))

    def _endless(self) -> Iterator[pb.ClassifyRequest]:
        yield self._config()
        length = min(self._model.window_samples, self._chunk)
        pcm = bytes(2 * length)
        for index in range(1 << 30):
            yield _chunk(index, index * length, pcm)

    def _breaches(self) -> Iterator[tuple[str, tuple[grpc.StatusCode, ...], list[pb.ClassifyRequest]]]:
        config, wide = self._config(), self._config(encoding=pb.PCM_ENCODING_F32LE)
        bare = pb.ClassifyRequest(config=pb.StreamConfig(encoding=pb.PCM_ENCODING_S16LE))
        invalid, unknown = (_INVALID,), (_INVALID, grpc.StatusCode.UNIMPLEMENTED)
        yield "refuses no config", invalid, [_chunk(0, 0, b"")]
        yield "refuses an empty stream", invalid, []
        yield "refuses two configs", invalid, [config, config]
        yield "refuses no labels", invalid, [bare]
        yield "refuses an unknown label", invalid, [self._config(labels=[len(self._model.labels)])]
        yield "refuses no encoding", invalid, [self._config(encoding=pb.PCM_ENCODING_UNSPECIFIED)]
        yield "refuses another encoding", unknown, [_UNKNOWN_ENCODING]
        yield "refuses a floor above 1", invalid, [self._config(floor=1.5)]
        yield "refuses too long a hop", unknown, [self._config(hop=self._model.window_samples + 1)]
        yield "refuses a wrong order", invalid, [config, _chunk(1, 0, b"")]
        yield "refuses a gap", invalid, [config, _chunk(0, 0, b"\0\0"), _chunk(1, 2, b"\0\0")]
        yield "refuses an overlap", invalid, [config, _chunk(0, 0, b"\0\0"), _chunk(1, 0, b"\0\0")]
        yield "refuses half a sample", invalid, [config, _chunk(0, 0, b"\0")]
        yield "refuses a chunk of 5 MiB", _LIMIT, [config, _chunk(0, 0, bytes(5 << 20))]
        yield "refuses a NaN", unknown, [wide, _chunk(0, 0, np.array([np.nan], "<f4").tobytes())]
        yield "refuses an infinity", unknown, [wide, _chunk(0, 0, np.array([-np.inf], "<f4").tobytes())]

    def _refused(self, codes: tuple[grpc.StatusCode, ...], requests: Iterable[pb.ClassifyRequest]) -> str:
        want = " or ".join(code.name for code in codes)
        try:
            for _ in self._host.send(requests):
                pass
        except grpc.RpcError as err:
            if err.code() in codes:
                return str(err.details())
            if err.code() in _ENDED:
                raise
            raise _BrokenError(f"got {err.code().name}: {err.details()}; want {want}") from err
        raise _BrokenError(f"it was accepted, want {want}")

    def _speed(self) -> str:
        block = self._random.uniform(-1, 1, 20 * self._model.hop_samples).astype(np.float32)
        chunks = 8
        began = time.monotonic()
        self._classify([block] * chunks)
        took = time.monotonic() - began
        return f"{chunks * len(block) / self._model.sample_rate_hz / took:.0f} times real time"

    def _long(self) -> str:
        """Hours of sound in one stream: positions stay right, and memory does not follow the length."""
        rate, hop = self._model.sample_rate_hz, self._model.hop_samples
        block = self._random.uniform(-1, 1, self._chunk).astype(np.float32)
        pcm, length = _pcm(block), 0
        began, before = time.monotonic(), self._host.memory()

        def requests() -> Iterator[pb.ClassifyRequest]:
            nonlocal length
            yield self._config(labels=self._model.laughter)
            for index in range(_HOURS * 3600 * rate // len(block)):
                if time.monotonic() - began > _LONG_SECONDS:
                    return
                yield _chunk(index, length, pcm)
                length += len(block)

        frames = grown = 0
        for answer in self._answers(requests()):
            for frame in answer.frames:
                if frame.first_sample != frames * hop:
                    raise _BrokenError(f"a frame at {frame.first_sample}, want {frames * hop}")
                frames += 1
            if (answer.final or not answer.chunk_index % 6) and (grown := self._host.memory() - before) > _MOST_GROWTH:
                heard = timedelta(seconds=(answer.chunk_index + 1) * len(block) // rate)
                raise _BrokenError(f"memory grew by {grown >> 20} MB in {heard} of sound; does it keep what it heard?")
        if frames != (want := len(self._positions(length, hop))):
            raise _BrokenError(f"{frames} frames, want {want}")
        return f"{timedelta(seconds=length // rate)} of sound, memory grew by {max(0, grown) >> 20} MB"

    def _lose(self) -> str:
        if not self._host.lose(patience := 5 * _PATIENCE):
            raise _BrokenError(
                f"{patience} s after its host was killed by SIGKILL, something of it is there: "
                "it must end when nobody reads its stdout any more"
            )
        return "nothing is left of it"

    def _shutdown(self) -> str:
        began = time.monotonic()
        try:
            code = self._host.shut_down(_PATIENCE)
        except grpc.RpcError as err:
            if err.code() == grpc.StatusCode.UNIMPLEMENTED:
                return "not supported, as it may say: it is killed"
            raise
        if code is None:
            raise _BrokenError(f"it runs on {_PATIENCE} s after it was asked to end; is a thread of it no daemon?")
        if code != 0:
            raise _BrokenError(f"exit code {code}, want 0")
        if self._host.socket.exists():
            raise _BrokenError(f"the socket {self._host.socket} is left behind")
        return f"gone {time.monotonic() - began:.2f} s after it was asked"

    def _config(
        self,
        labels: Iterable[int] | None = None,
        floor: float = 0,
        hop: int = 0,
        encoding: pb.PcmEncoding = pb.PCM_ENCODING_S16LE,
        logits: bool = False,
    ) -> pb.ClassifyRequest:
        wanted = range(len(self._model.labels)) if labels is None else labels
        config = pb.StreamConfig(labels=wanted, score_floor=floor, hop_samples=hop, encoding=encoding, logits=logits)
        return pb.ClassifyRequest(config=config)

    def _classify(self, chunks: Iterable[Samples], floor: float = 0, hop: int = 0, logits: bool = False) -> _Answer:
        """All frames of a recording in these chunks, which are cut up where they are too long for one."""

        def requests() -> Iterator[pb.ClassifyRequest]:
            yield self._config(floor=floor, hop=hop, logits=logits)
            index = position = 0
            for chunk in chunks:
                for start in range(0, max(1, len(chunk)), self._chunk):
                    samples = chunk[start : start + self._chunk]
                    yield _chunk(index, position, _pcm(samples))
                    index, position = index + 1, position + len(samples)

        frames = [frame for answer in self._answers(requests()) for frame in answer.frames]
        labels = len(self._model.labels)
        rows = [frame.logits if logits else frame.scores for frame in frames]
        if bad := [len(row) for row in rows if len(row) != labels]:
            raise _BrokenError(f"a frame has {bad[0]} {'logits' if logits else 'scores'}, {labels} were asked for")
        scores = np.array([list(row) for row in rows], np.float32).reshape(-1, labels)
        return _Answer([frame.first_sample for frame in frames], scores)

    def _answers(self, requests: Iterator[pb.ClassifyRequest]) -> Iterator[pb.ClassifyResponse]:
        """The answers as they come, when they are in order and the last one is final."""
        final = False
        for count, answer in enumerate(self._host.send(requests)):
            if final:
                raise _BrokenError("an answer came behind the final one")
            if answer.chunk_index != count:
                raise _BrokenError(f"answer {count} has the chunk index {answer.chunk_index}")
            final = answer.final
            yield answer
        if not final:
            raise _BrokenError("the stream ended without a final answer")

    @staticmethod
    def _same(name: str, got: _Answer, want: _Answer) -> None:
        if got.positions != want.positions:
            raise _BrokenError(f"{name}: frames at {_short(got.positions)}, want {_short(want.positions)}")
        if (worst := float(np.abs(got.scores - want.scores).max(initial=0))) > _SLACK:
            raise _BrokenError(
                f"{name}: scores differ by up to {worst:.3f}; does the model keep a state between windows?"
            )


def _chunk(index: int, first: int, pcm: bytes) -> pb.ClassifyRequest:
    return pb.ClassifyRequest(chunk=pb.Chunk(index=index, first_sample=first, pcm=pcm))


def _pcm(samples: Samples) -> bytes:
    return (samples * 32768).clip(-32768, 32767).astype("<i2").tobytes()


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def _short(positions: list[int]) -> str:
    return f"{positions}" if len(positions) < 6 else f"{positions[:3]} … {positions[-1]} ({len(positions)})"
