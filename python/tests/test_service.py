from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins import Batches, Loud, Returns
from recordings import F32, S16, chunk, config, expected, frames, raw, recording

from chortle_plugin import Description, Model, Samples
from chortle_plugin._gen import inference_pb2 as pb
from chortle_plugin._gen import inference_pb2_grpc as pb_grpc
from chortle_plugin._service import MAX_PCM_BYTES

Connect = Callable[[Model], pb_grpc.InferenceServiceStub]

INVALID = grpc.StatusCode.INVALID_ARGUMENT
UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED


def refusal(client: pb_grpc.InferenceServiceStub, requests: list[pb.ClassifyRequest]) -> Any:
    with pytest.raises(grpc.RpcError) as caught:
        list(client.Classify(iter(requests), timeout=20))
    return caught.value


def test_describes_the_model(connect: Connect) -> None:
    answer = connect(Loud()).GetModel(pb.GetModelRequest())
    assert answer == pb.GetModelResponse(
        name="loud",
        sample_rate_hz=16000,
        window_samples=100,
        hop_samples=40,
        labels=["Loud", "Start", "Quiet"],
        laughter=[0],
        plugin="tests",
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(length=st.integers(0, 700), data=st.data())
def test_frames_do_not_depend_on_the_cutting(connect: Connect, length: int, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, length), max_size=6)))
    sound = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)
    got = frames(connect(Loud()).Classify(recording(sound, cuts)))
    want = [(at, [float(np.abs(w).max()), abs(float(w[0]))]) for at, w in expected(sound, 100, 40)]
    assert got == want


@pytest.mark.parametrize("hop", [1, 13, 100])
def test_another_hop(connect: Connect, hop: int) -> None:
    sound = np.linspace(-1, 1, 333, dtype=np.float32)
    got = frames(connect(Loud()).Classify(recording(sound, [50, 51], hop_samples=hop)))
    assert [at for at, _ in got] == [at for at, _ in expected(sound, 100, hop)]


def test_wanted_labels_in_the_order_wanted(connect: Connect) -> None:
    sound = np.full(100, 0.25, np.float32)
    sound[0] = 0.5
    got = frames(connect(Loud()).Classify(recording(sound, labels=[2, 0])))
    assert got == [(0, [0.5, 0.5])]
    sound[7] = 0.75
    got = frames(connect(Loud()).Classify(recording(sound, labels=[2, 1, 0])))
    assert got == [(0, [0.25, 0.5, 0.75])]


@pytest.mark.parametrize(("floor", "kept"), [(0, [0, 40, 80]), (0.5, [40, 80]), (0.51, [80]), (1, [])])
def test_score_floor_leaves_frames_out(connect: Connect, floor: float, kept: list[int]) -> None:
    sound = np.zeros(180, np.float32)
    sound[100:140] = 0.5
    sound[140:] = 0.75
    got = frames(connect(Loud()).Classify(recording(sound, [10], labels=[0], score_floor=floor)))
    assert [at for at, _ in got] == kept


def test_samples_keep_their_scale(connect: Connect) -> None:
    client = connect(Loud())
    for value, want in ((-32768, 1.0), (16384, 0.5), (1, 1 / 32768)):
        stream = [config([0], encoding=S16), chunk(0, 0, [value] * 100, "<i2")]
        assert frames(client.Classify(iter(stream))) == [(0, [want])]


def test_batches_are_whole_and_bounded(connect: Connect) -> None:
    model = Batches()
    sound = np.random.default_rng(0).uniform(-1, 1, 100 + 40 * 69).astype(np.float32)
    got = frames(connect(model).Classify(recording(sound)))
    assert model.sizes == [32, 32, 6]
    assert got == [(at, [float(np.abs(w).max()), abs(float(w[0]))]) for at, w in expected(sound, 100, 40)]


def test_every_chunk_is_answered_before_the_next_is_sent(connect: Connect) -> None:
    answered = threading.Semaphore(0)

    def requests() -> Iterator[pb.ClassifyRequest]:
        yield config()
        for index in range(3):
            yield chunk(index, index * 50, np.zeros(50))
            assert answered.acquire(timeout=20)

    seen = []
    for answer in connect(Loud()).Classify(requests(), timeout=30):
        seen.append((answer.chunk_index, [f.first_sample for f in answer.frames], answer.final))
        answered.release()
    assert seen == [(0, [], False), (1, [0], False), (2, [40], False), (3, [80], True)]


BREACHES = {
    "nothing": (INVALID, [], "ended before its config"),
    "no payload": (INVALID, [pb.ClassifyRequest()], "the first message is empty"),
    "chunk first": (INVALID, [chunk(0, 0)], "the first message is chunk"),
    "two configs": (INVALID, [config(), config()], "behind the first is config"),
    "no payload later": (INVALID, [config(), pb.ClassifyRequest()], "behind the first is empty"),
    "no labels": (INVALID, [config([])], "0 labels"),
    "too many labels": (INVALID, [config([0] * 4)], "4 labels are asked for, want 1 to 3"),
    "unknown label": (INVALID, [config([0, 3])], "label 3 is asked for, the last is 2"),
    "floor above 1": (INVALID, [config(score_floor=1.5)], "score_floor is 1.5"),
    "floor below 0": (INVALID, [config(score_floor=-0.5)], "score_floor is -0.5"),
    "floor not a number": (INVALID, [config(score_floor=float("nan"))], "score_floor is nan"),
    "no encoding": (INVALID, [config(encoding=0)], "encoding is unspecified"),
    "logits": (UNIMPLEMENTED, [config(logits=True)], "this model gives scores only"),
    "unknown encoding": (UNIMPLEMENTED, [config(encoding=9)], "encoding 9"),
    "hop above the window": (UNIMPLEMENTED, [config(hop_samples=101)], "a hop of 101 samples"),
    "first index is 1": (INVALID, [config(), chunk(1, 0)], "want chunk 0"),
    "index repeated": (INVALID, [config(), chunk(0, 0), chunk(0, 0)], "want chunk 1"),
    "starts late": (INVALID, [config(), chunk(0, 5)], "starts at sample 5, want 0"),
    "overlaps": (INVALID, [config(), chunk(0, 0, [0, 0]), chunk(1, 1)], "starts at sample 1, want 2"),
    "negative start": (INVALID, [config(), chunk(0, -1)], "starts at sample -1"),
    "half a sample": (INVALID, [config(), raw(0, 0, b"123")], "3 bytes are not a whole number"),
    "half a short": (INVALID, [config(encoding=S16), raw(0, 0, b"1")], "1 bytes are not a whole number"),
    "not a number": (INVALID, [config(), chunk(0, 0, [0, np.nan])], "not a finite number"),
    "infinite": (INVALID, [config(), chunk(0, 0, [-np.inf])], "not a finite number"),
    "too long": (INVALID, [config(), raw(0, 0, bytes(MAX_PCM_BYTES + 4))], "want at most 4194304"),
    "more frames than fit": (
        INVALID,
        [config([0], hop_samples=1), chunk(0, 0, np.zeros(MAX_PCM_BYTES // 4))],
        "1048477 frames do not fit into one answer",
    ),
    "5 MiB": (grpc.StatusCode.RESOURCE_EXHAUSTED, [config(), raw(0, 0, bytes(5 << 20))], ""),
}


@pytest.mark.parametrize("case", BREACHES)
def test_refuses_what_breaks_the_rules(connect: Connect, case: str) -> None:
    code, requests, words = BREACHES[case]
    client = connect(Loud())
    refused = refusal(client, requests)
    assert refused.code() == code
    assert words in refused.details()
    assert frames(client.Classify(recording(np.ones(100, np.float32)))) == [(0, [1, 1])]  # and serves on


def test_takes_the_longest_chunk(connect: Connect) -> None:
    class Coarse(Loud):
        window = hop = MAX_PCM_BYTES // 4

    got = frames(connect(Coarse()).Classify(recording(np.ones(Coarse.window, np.float32), encoding=F32)))
    assert got == [(0, [1, 1])]


class Sure(Loud):
    """Has logits: the score's of the first class, and others."""

    def __init__(self, last: float = -20) -> None:
        self.last = last

    def describe(self) -> Description:
        return replace(super().describe(), logits=True, logit_step=0.25)

    def predict_logits(self, window: Samples) -> list[float]:
        return [4 * float(window.mean()), -4, self.last]


def test_logits(connect: Connect) -> None:
    client = connect(Sure())
    described = client.GetModel(pb.GetModelRequest())
    assert described.logits
    assert described.logit_step == 0.25

    def classify(**settings: Any) -> list[tuple[list[float], list[float]]]:
        sound = np.full(100, 0.5, np.float32)
        answers = client.Classify(iter([config([2, 0], logits=True, **settings), chunk(0, 0, sound)]))
        return [(list(frame.logits), list(frame.scores)) for answer in answers for frame in answer.frames]

    assert classify() == [([-20, 2], [])]
    assert classify(score_floor=0.88) == [([-20, 2], [])]  # a logit of 2 is a score of 0.881
    assert classify(score_floor=0.89) == []
    assert classify(score_floor=1) == []


def test_a_logit_that_is_no_number_is_told(connect: Connect) -> None:
    refused = refusal(connect(Sure(float("nan"))), [config(logits=True), chunk(0, 0, np.ones(100, np.float32))])
    assert refused.code() == grpc.StatusCode.INTERNAL
    assert "a logit of the class" in refused.details()


MISTAKES = {
    "raises": (ValueError("no such luck"), "ValueError: no such luck"),
    "exits": (SystemExit(3), "SystemExit: 3"),
    "raises at length": (ValueError("x" * 100_000), "ValueError: xxx"),
    "too few scores": ([0.5], "shape (1, 1), want (1, 3)"),
    "too many dimensions": ([[0, 0, 0]], "shape (1, 1, 3), want (1, 3)"),
    "logits": ([-3, 0, 4], "scores go from -3 to 4, want 0..1"),
    "not a number": ([0, float("nan"), 0], "not a finite number"),
    "infinite": ([0, float("inf"), 0], "not a finite number"),
    "nothing": (None, "want (1, 3)"),
    "text": (["a", "b", "c"], "could not convert"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_models_mistake_is_told(connect: Connect, case: str, caplog: pytest.LogCaptureFixture) -> None:
    value, words = MISTAKES[case]
    model = Returns(value)
    client = connect(model)
    failed = refusal(client, list(recording(np.zeros(100, np.float32))))
    assert failed.code() == grpc.StatusCode.INTERNAL
    assert failed.details().startswith("ask model loud: ")
    assert words in failed.details()
    assert [record.exc_info is not None for record in caplog.records] == [True]
    model.value = [0, 0, 1]
    assert frames(client.Classify(recording(np.zeros(100, np.float32)))) == [(0, [0, 0])]  # and serves on


def test_rounding_beyond_one_is_forgiven(connect: Connect) -> None:
    client = connect(Returns([1.00001, -0.00001, 0]))
    assert frames(client.Classify(recording(np.zeros(100, np.float32)))) == [(0, [1, 0])]


def test_a_cancelled_stream_gives_the_model_back(connect: Connect) -> None:
    client = connect(Loud())

    def endless() -> Iterator[pb.ClassifyRequest]:
        yield config()
        for index in range(1 << 30):
            yield chunk(index, index * 100, np.zeros(100))

    stream = client.Classify(endless())
    next(stream)
    stream.cancel()
    assert frames(client.Classify(recording(np.ones(100, np.float32)), timeout=20)) == [(0, [1, 1])]


def test_a_deadline_ends_a_stream(connect: Connect) -> None:
    release = threading.Event()

    def slow() -> Iterator[pb.ClassifyRequest]:
        yield config()
        release.wait(20)

    with pytest.raises(grpc.RpcError) as caught:
        list(connect(Loud()).Classify(slow(), timeout=0.2))
    release.set()
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_streams_side_by_side_do_not_mix(connect: Connect) -> None:
    client = connect(Loud())
    sounds = [np.full(1000, level, np.float32) for level in (0.25, 0.5, 0.75)]
    streams = [client.Classify(recording(sound, range(0, 1000, 90))) for sound in sounds]
    rounds = list(zip(*streams, strict=True))  # one answer of each in turn
    for sound, answers in zip(sounds, zip(*rounds, strict=True), strict=True):
        assert {tuple(scores) for _, scores in frames(answers)[:-1]} == {(sound[0], sound[0])}
