from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from recordings import expected

from chortle_plugin import Samples
from chortle_plugin._framing import Framer


@st.composite
def cut_recordings(draw: st.DrawFn) -> tuple[int, int, int, list[int]]:
    window = draw(st.integers(1, 60))
    hop = draw(st.integers(1, window))
    length = draw(st.integers(0, 300))
    cuts = sorted(draw(st.lists(st.integers(0, length), max_size=12)))
    return window, hop, length, cuts


@given(cut_recordings())
def test_windows_are_those_of_the_contract_for_any_cutting(case: tuple[int, int, int, list[int]]) -> None:
    window, hop, length, cuts = case
    sound = np.arange(1, length + 1, dtype=np.float32)
    framer = Framer(window, hop)
    got: list[tuple[int, Samples]] = []

    def take(first: int, windows: Samples) -> None:
        got.extend((first + i * hop, row.copy()) for i, row in enumerate(windows))

    for piece in np.split(sound, cuts):
        complete = framer.complete(len(piece))
        first, windows = framer.push(piece)
        assert len(windows) == complete
        take(first, windows)
        assert len(framer._tail) < window  # nothing more is held than the next window needs
    take(*framer.finish())

    want = expected(sound, window, hop)
    assert [start for start, _ in got] == [start for start, _ in want]
    for (_, a), (_, b) in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)
    assert framer.received == length


def test_views_cannot_be_written_to() -> None:
    _, windows = Framer(4, 2).push(np.zeros(8, np.float32))
    assert not windows.flags.writeable
