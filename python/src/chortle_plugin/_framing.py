"""Chunks of any length in, windows at every hop out: the same ones however the sound was cut."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ._model import Samples


class Framer:
    """Cuts one recording into overlapping windows, as inference.proto says at Classify.

    Between two pushes it holds less than one window of samples.
    """

    def __init__(self, window: int, hop: int) -> None:
        """Start a recording; 1 <= hop <= window, in samples."""
        self._window = window
        self._hop = hop
        self._next = 0  # where the next frame starts
        self._received = 0
        self._tail = np.empty(0, np.float32)  # what was received from _next on

    @property
    def received(self) -> int:
        """Samples pushed so far."""
        return self._received

    def complete(self, samples: int) -> int:
        """How many windows become complete with so many samples more."""
        held = self._received - self._next + samples
        return max(0, 1 + (held - self._window) // self._hop)

    def push(self, samples: Samples) -> tuple[int, Samples]:
        """Windows that became complete with these samples.

        Returns:
            The first window's position in the recording, and one window a row, each a hop after the
            one before it. The rows are read-only views that overlap in memory.

        """
        count = self.complete(len(samples))
        self._received += len(samples)
        sound = np.concatenate((self._tail, samples))
        first = self._next
        if not count:
            self._tail = sound
            return first, np.empty((0, self._window), np.float32)
        windows = sliding_window_view(sound, self._window)[:: self._hop]
        self._next += count * self._hop
        self._tail = sound[count * self._hop :].copy()
        return first, windows

    def finish(self) -> tuple[int, Samples]:
        """The one window, filled up with zeros, that covers what is behind the last whole one; or none."""
        covered = self._next - self._hop + self._window if self._next else 0
        if self._received <= covered:
            return self._next, np.empty((0, self._window), np.float32)
        return self._next, np.pad(self._tail, (0, self._window - len(self._tail)))[np.newaxis]
