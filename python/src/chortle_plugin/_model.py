"""What the author of a model writes."""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ._errors import DescriptionError

Samples: TypeAlias = npt.NDArray[np.float32]
"""Sound: float32, mono, full scale is -1 to 1."""


_COUNTS = ("sample_rate_hz", "window_samples", "hop_samples")


@dataclass(frozen=True)
class Description:
    """What a model is. Every field that has no default must be given."""

    name: str
    """Short name, such as "yamnet"; laughs are stored under it."""
    sample_rate_hz: int
    """Sample rate of the windows, in Hz. The host resamples to it."""
    window_samples: int
    """Length of the window that one call of predict() scores, in samples."""
    hop_samples: int
    """Distance between the starts of neighbouring windows, in samples; at most a window, usually half of one."""
    labels: Sequence[str]
    """Names of all classes, in the order of predict()'s scores."""
    laughter: Sequence[str]
    """Which of the labels are laughter; at least one."""
    version: str = ""
    """Version of the model, free text."""
    weights_sha256: str = ""
    """Lower-case hexadecimal SHA-256 of the weights; empty where there are none."""
    plugin: str = "chortle_plugin"
    """Name of the program that serves the model, for logs."""
    logits: bool = False
    """Whether the model has predict_logits(); the host then asks for logits in place of scores."""
    logit_step: float = 0
    """Distance between neighbouring logits where they are quantised, at most 1; 0 where they are not."""

    def __post_init__(self) -> None:
        """Make integers of what is one, such as those of numpy, whose arithmetic would overflow."""
        for field in _COUNTS:
            value = getattr(self, field)
            if not isinstance(value, bool):
                with suppress(TypeError):  # laughter_indices() tells
                    object.__setattr__(self, field, operator.index(value))

    def laughter_indices(self) -> list[int]:
        """Indices of the laughter labels; checks the whole description.

        Raises:
            DescriptionError: names the first field that cannot be used.

        """
        if not self.name:
            raise DescriptionError("check description: name is empty")
        for field in _COUNTS:
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 32:
                raise DescriptionError(f"check description: {field} is {value!r}, want a whole number above 0")
        if self.hop_samples > self.window_samples:
            raise DescriptionError(
                f"check description: hop_samples is {self.hop_samples}, want at most the window, {self.window_samples}"
            )
        if self.weights_sha256 and not re.fullmatch("[0-9a-f]{64}", self.weights_sha256):
            raise DescriptionError(
                f"check description: weights_sha256 is {self.weights_sha256!r}, want 64 lower-case hexadecimal digits"
            )
        if not 0 <= self.logit_step <= 1 or (self.logit_step and not self.logits):  # also refuses NaN
            raise DescriptionError(
                f"check description: logit_step is {self.logit_step!r}, want 0 to 1, and 0 for a model without logits"
            )
        if not self.laughter:
            raise DescriptionError("check description: laughter is empty; name the labels that are laughter")
        for field in ("labels", "laughter"):
            names = getattr(self, field)
            if isinstance(names, str) or not all(isinstance(name, str) for name in names):
                raise DescriptionError(f"check description: {field} must be a list of strings")
        counts = Counter(self.labels)
        for name in self.laughter:
            if counts[name] != 1:
                raise DescriptionError(f"check description: {counts[name]} labels are {name!r}, want exactly one")
        return [list(self.labels).index(name) for name in self.laughter]


class Model(ABC):
    """A model that hears laughter: subclass it, and give an instance to serve().

    Load the weights in __init__. The methods are never called at the same time, but the thread may
    change from one call to the next.
    """

    @abstractmethod
    def describe(self) -> Description:
        """What the model is. Called once, before the first predict()."""

    @abstractmethod
    def predict(self, window: Samples) -> npt.ArrayLike:
        """Score one window.

        Args:
            window: exactly `window_samples` samples, a copy that may be kept or changed. The last
                window of a recording is filled up with zeros.

        Returns:
            One score in 0..1 for each label, in their order. Whatever numpy.asarray takes.

        Whatever it raises reaches the host as INTERNAL with the message, and the log with the traceback.

        """

    def predict_batch(self, windows: Samples) -> npt.ArrayLike:
        """Score several windows at once; override it where that is faster.

        Args:
            windows: one window a row, 1 to 32 of them; a copy as in predict().

        Returns:
            One row of scores for each row of `windows`.

        """
        return np.stack([np.asarray(self.predict(window)) for window in windows])

    def predict_logits(self, window: Samples) -> npt.ArrayLike:
        """Say what predict() would be before its sigmoid; for models whose description says logits.

        Logits tell small scores apart where a laugh is weighed against what argues against it.

        Args:
            window: as in predict().

        Returns:
            One finite logit for each label, in their order.

        """
        raise NotImplementedError

    def predict_logits_batch(self, windows: Samples) -> npt.ArrayLike:
        """Logits of several windows at once, as in predict_batch()."""
        return np.stack([np.asarray(self.predict_logits(window)) for window in windows])
