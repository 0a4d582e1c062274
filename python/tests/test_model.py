from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from plugins import Loud

from chortle_plugin import Description, DescriptionError

GOOD = Description("m", 16000, 10, 5, labels=["a", "b", "c", "c"], laughter=["b", "a"])


def test_laughter_is_found_by_name() -> None:
    assert GOOD.laughter_indices() == [1, 0]


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.uint64])
def test_integers_of_numpy_will_do(kind: Any) -> None:
    description = replace(GOOD, sample_rate_hz=kind(16000), window_samples=kind(10), hop_samples=kind(5))
    description.laughter_indices()
    assert description == GOOD
    assert type(description.hop_samples) is int  # or a position would overflow


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "name is empty"),
        ({"sample_rate_hz": 0}, "sample_rate_hz is 0"),
        ({"sample_rate_hz": 16000.0}, "sample_rate_hz is 16000.0"),
        ({"window_samples": -1}, "window_samples is -1"),
        ({"window_samples": 1 << 32}, "window_samples is 4294967296"),
        ({"hop_samples": True}, "hop_samples is True"),
        ({"hop_samples": 11}, "hop_samples is 11, want at most the window, 10"),
        ({"weights_sha256": "ABC"}, "weights_sha256 is 'ABC'"),
        ({"labels": "abc"}, "labels must be a list"),
        ({"labels": [1]}, "labels must be a list"),
        ({"laughter": []}, "laughter is empty"),
        ({"laughter": ["d"]}, "0 labels are 'd'"),
        ({"laughter": ["c"]}, "2 labels are 'c'"),
    ],
)
def test_what_cannot_be_served_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DescriptionError, match="check description: ") as caught:
        replace(GOOD, **change).laughter_indices()
    assert words in str(caught.value)


def test_a_batch_is_window_after_window() -> None:
    windows = np.array([[0.5, 0.25], [0, 1]], np.float32)
    np.testing.assert_array_equal(Loud().predict_batch(windows), [[0.5, 0.5, 0.5], [1, 0, 0]])
