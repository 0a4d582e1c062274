"""Sees whether a plugin keeps the contract: python -m chortle_plugin check."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import grpc
import numpy as np

from ._errors import PluginError
from ._gen import inference_pb2 as pb
from ._host import Host
from ._model import Samples
from ._wav import read_wav

_SLACK = 1e-3  # by which scores of the same window may differ, batched one way or another
_UNKNOWN_ENCODING = pb.ClassifyRequest(config=pb.StreamConfig(labels=[0], encoding=99))  # type: ignore[arg-type]
_INVALID = grpc.StatusCode.INVALID_ARGUMENT


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
    failed = 0
    began = time.monotonic()
    try:
        with Host(command, timeout) as host:
            try:
                host.connect()
                _report("ok", "handshake", f"{time.monotonic() - began:.2f} s after the start")
                for name, check in Check(host, recordings).all():
                    failed += not _run(name, check)
            except PluginError as err:
                _report("FAIL", "start", str(err))
                failed += 1
            if failed:
                print("\nthe plugin last wrote:", *host.stderr, sep="\n  ")  # noqa: T201
    except PluginError as err:
        _report("FAIL", "start", str(err))
        failed += 1
    print(f"\n{failed} failed" if failed else "\nthe plugin keeps the contract")  # noqa: T201
    return 1 if failed else 0


def _run(name: str, check: Callable[[], str]) -> bool:
    try:
        said = check()
    except (_BrokenError, PluginError, TimeoutError) as err:
        _report("FAIL", name, str(err))
    except grpc.RpcError as err:
        _report("FAIL", name, f"{err.code().name}: {err.details()}")
    else:
        _report("ok", name, said)
        return True
    return False


def _report(verdict: str, name: str, said: str) -> None:
    print(f"{verdict:5} {name:27} {said}", flush=True)  # noqa: T201


class Check:
    """The checks, each a method that returns what it saw or raises."""

    def __init__(self, host: Host, recordings: Sequence[Path] = ()) -> None:
        self._host = host
        self._recordings = recordings
        self._model = host.model()
        self._length = 12 * self._model.window_samples + 1
        self._random = np.random.default_rng(1)

    def all(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Every check with its name, in order. The last one ends the plugin."""
        yield "health", self._health
        yield "description", self._describe
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
        yield "two streams at once", self._together
        yield "cancelled stream", self._cancel
        for name, code, requests in self._breaches():
            yield name, lambda code=code, requests=requests: self._refused(code, requests)  # type: ignore[misc]
        yield "speed", self._speed
        yield "shutdown", self._shutdown

    def _health(self) -> str:
        if not self._host.healthy():
            raise _BrokenError("grpc.health.v1 does not say SERVING for the service plugin")
        return "serving"

    def _describe(self) -> str:
        m = self._model
        if m != self._host.model():
            raise _BrokenError("GetModel answers differently when asked again")
        if not (m.name and m.sample_rate_hz and m.window_samples and m.hop_samples and m.labels):
            raise _BrokenError("name, sample_rate_hz, window_samples, hop_samples and labels must not be empty")
        if not m.laughter or max(m.laughter) >= len(m.labels):
            raise _BrokenError(f"laughter is {list(m.laughter)}, want indices below {len(m.labels)}, at least one")
        laughter = ", ".join(m.labels[i] for i in m.laughter)
        return (
            f"{m.name}{m.version and ' ' + m.version}: {m.sample_rate_hz} Hz, window {m.window_samples}, "
            f"hop {m.hop_samples}, {_count(len(m.labels), 'label')}; laughter: {laughter}"
        )

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
        """A person's own sound, in chunks of ten seconds as the orchestrator sends them, and of odd ones."""
        rate = self._model.sample_rate_hz
        sound = read_wav(path, rate)
        chunks = [
            [sound[at : at + size] for at in range(0, len(sound), size)] for size in (10 * rate, 997 * rate // 1000)
        ]
        heard, again = (self._classify(pieces) for pieces in chunks)
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
        floor = float(np.float32(np.median(everything.scores.max(axis=1))))
        kept = [p for p, row in zip(everything.positions, everything.scores, strict=True) if row.max() >= floor]
        sure = [
            p for p, row in zip(everything.positions, everything.scores, strict=True) if abs(row.max() - floor) > _SLACK
        ]
        got = self._classify([sound], floor=floor).positions
        if set(got) & set(sure) != set(kept) & set(sure):
            raise _BrokenError(f"a floor of {floor:.3f} kept frames {_short(got)}, want {_short(kept)}")
        return f"{len(got)} of {len(everything.positions)} frames are {floor:.3f} or above"

    def _together(self) -> str:
        sounds = [self._random.uniform(-1, 1, self._length).astype(np.float32) for _ in range(2)]
        alone = [self._classify([sound]) for sound in sounds]
        with ThreadPoolExecutor(2) as pool:
            for got, want in zip(pool.map(lambda sound: self._classify([sound]), sounds), alone, strict=True):
                self._same("together with another stream", got, want)
        return "the same frames as one after the other"

    def _cancel(self) -> str:
        def endless() -> Iterator[pb.ClassifyRequest]:
            yield self._config()
            pcm = np.zeros(self._model.window_samples, "<i2").tobytes()
            for index in range(1 << 30):
                yield _chunk(index, index * self._model.window_samples, pcm)

        answers = self._host.send(endless())
        next(answers)
        answers.cancel()  # type: ignore[attr-defined]
        return "and the next one: " + self._sound(np.zeros(self._length, np.float32))

    def _breaches(self) -> Iterator[tuple[str, grpc.StatusCode, list[pb.ClassifyRequest]]]:
        config, wide = self._config(), self._config(encoding=pb.PCM_ENCODING_F32LE)
        yield "refuses no config", _INVALID, [_chunk(0, 0, b"")]
        yield "refuses an empty stream", _INVALID, []
        yield "refuses two configs", _INVALID, [config, config]
        yield (
            "refuses no labels",
            _INVALID,
            [pb.ClassifyRequest(config=pb.StreamConfig(encoding=pb.PCM_ENCODING_S16LE))],
        )
        yield "refuses an unknown label", _INVALID, [self._config(labels=[len(self._model.labels)])]
        yield "refuses no encoding", _INVALID, [self._config(encoding=pb.PCM_ENCODING_UNSPECIFIED)]
        yield "refuses another encoding", grpc.StatusCode.UNIMPLEMENTED, [_UNKNOWN_ENCODING]
        yield "refuses a wrong order", _INVALID, [config, _chunk(1, 0, b"")]
        yield "refuses a gap", _INVALID, [config, _chunk(0, 0, b"\0\0"), _chunk(1, 2, b"\0\0")]
        yield "refuses half a sample", _INVALID, [config, _chunk(0, 0, b"\0")]
        yield "refuses a NaN", _INVALID, [wide, _chunk(0, 0, np.array([np.nan], "<f4").tobytes())]
        yield "refuses an infinity", _INVALID, [wide, _chunk(0, 0, np.array([-np.inf], "<f4").tobytes())]

    def _refused(self, code: grpc.StatusCode, requests: Iterable[pb.ClassifyRequest]) -> str:
        try:
            for _ in self._host.send(requests):
                pass
        except grpc.RpcError as err:
            if err.code() != code:
                raise _BrokenError(f"got {err.code().name}: {err.details()}; want {code.name}") from err
            return str(err.details())
        raise _BrokenError(f"it was accepted, want {code.name}")

    def _speed(self) -> str:
        block = self._random.uniform(-1, 1, 20 * self._model.hop_samples).astype(np.float32)
        chunks = 8
        began = time.monotonic()
        self._classify([block] * chunks)
        took = time.monotonic() - began
        return f"{chunks * len(block) / self._model.sample_rate_hz / took:.0f} times real time"

    def _shutdown(self) -> str:
        began = time.monotonic()
        code = self._host.shut_down()
        took = time.monotonic() - began
        if code != 0:
            raise _BrokenError(f"exit code {code}, want 0")
        if took > 2:
            raise _BrokenError(f"took {took:.1f} s; the orchestrator kills after 2 s")
        if self._host.socket.exists():
            raise _BrokenError(f"the socket {self._host.socket} is left behind")
        return f"gone {took:.2f} s after it was asked"

    def _config(
        self,
        labels: Iterable[int] | None = None,
        floor: float = 0,
        hop: int = 0,
        encoding: pb.PcmEncoding = pb.PCM_ENCODING_S16LE,
    ) -> pb.ClassifyRequest:
        wanted = range(len(self._model.labels)) if labels is None else labels
        config = pb.StreamConfig(labels=wanted, score_floor=floor, hop_samples=hop, encoding=encoding)
        return pb.ClassifyRequest(config=config)

    def _classify(self, chunks: Iterable[Samples], floor: float = 0, hop: int = 0) -> _Answer:
        """All frames of a recording; the order of answers is checked on the way."""

        def requests() -> Iterator[pb.ClassifyRequest]:
            yield self._config(floor=floor, hop=hop)
            position = 0
            for index, samples in enumerate(chunks):
                yield _chunk(index, position, (samples * 32768).clip(-32768, 32767).astype("<i2").tobytes())
                position += len(samples)

        positions: list[int] = []
        scores: list[list[float]] = []
        final = False
        for count, answer in enumerate(self._host.send(requests())):
            if final:
                raise _BrokenError("an answer came behind the final one")
            if answer.chunk_index != count:
                raise _BrokenError(f"answer {count} has the chunk index {answer.chunk_index}")
            final = answer.final
            positions += [frame.first_sample for frame in answer.frames]
            scores += [list(frame.scores) for frame in answer.frames]
        if not final:
            raise _BrokenError("the stream ended without a final answer")
        if bad := [len(row) for row in scores if len(row) != len(self._model.labels)]:
            raise _BrokenError(f"a frame has {bad[0]} scores, {len(self._model.labels)} were asked for")
        return _Answer(positions, np.array(scores, np.float32))

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


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def _short(positions: list[int]) -> str:
    return f"{positions}" if len(positions) < 6 else f"{positions[:3]} … {positions[-1]} ({len(positions)})"
