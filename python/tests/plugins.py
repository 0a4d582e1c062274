"""Models for the tests, good and bad: python plugins.py NAME serves one."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from chortle_plugin import Description, Model, Samples, _orphan, _server, _stdout, serve


class Loud(Model):
    """Hears the loudest sample as Loud, the first one as Start: scores show which samples were in the window."""

    window, hop = 100, 40

    def describe(self) -> Description:
        return Description(
            name="loud",
            sample_rate_hz=16000,
            window_samples=self.window,
            hop_samples=self.hop,
            labels=["Loud", "Start", "Quiet"],
            laughter=["Loud"],
            plugin="tests",
        )

    def predict(self, window: Samples) -> npt.ArrayLike:
        loud = min(float(np.abs(window).max()), 1)
        start = min(abs(float(window[0])), 1)
        window[:] = 2  # a window may be changed without harm to its neighbours
        return [loud, start, 1 - loud]


class Batches(Loud):
    """The same, asked for several windows at once."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def predict_batch(self, windows: Samples) -> npt.ArrayLike:
        self.sizes.append(len(windows))
        loud = np.abs(windows).max(axis=1)
        return np.stack([loud, np.abs(windows[:, 0]), 1 - loud], axis=1)


class Returns(Loud):
    """Returns what it was given, whatever the window."""

    def __init__(self, value: Any = None) -> None:
        self.value = value

    def predict(self, window: Samples) -> npt.ArrayLike:
        if isinstance(self.value, BaseException):
            raise self.value
        return self.value  # type: ignore[no-any-return]


class Raises(Returns):
    def __init__(self) -> None:
        super().__init__(ValueError("no such luck"))


class Unscaled(Returns):
    def __init__(self) -> None:
        super().__init__([1.5, 0, 0])


class Seconds(Loud):
    """The same with windows as long as those of real models, so that hours take moments."""

    window, hop = 16000, 8000


class Coarse(Seconds):
    """Twelve windows are more than one message holds."""

    window, hop = 240_000, 120_000


class Stateful(Seconds):
    """Scores depend on what was heard before: wrong."""

    def __init__(self) -> None:
        self.asked = 0

    def predict(self, window: Samples) -> npt.ArrayLike:
        self.asked += 1
        return [self.asked % 7 / 7, 0, 0]


class Noisy(Loud):
    """Prints wherever it can."""

    def __init__(self) -> None:
        print("from Python")
        libc = ctypes.CDLL(None)
        libc.puts(b"from C")
        libc.fflush(None)
        os.system("echo from a child")  # noqa: S605, S607

    def predict(self, window: Samples) -> npt.ArrayLike:
        print("while predicting")
        return super().predict(window)


class Unmade(Loud):
    def __init__(self) -> None:
        raise RuntimeError("weights are missing")


class Undescribed(Loud):
    window = 0


class Hangs(Loud):
    def predict(self, window: Samples) -> npt.ArrayLike:
        print("hanging", file=sys.stderr, flush=True)
        while True:
            time.sleep(1)


class HangsUnmade(Loud):
    """Hangs while it is made, with a child; tells the ids of both."""

    def __init__(self) -> None:
        child = subprocess.Popen(["sleep", "600"])  # noqa: S607
        print(os.getpid(), child.pid, file=sys.stderr, flush=True)
        threading.Event().wait()


class Hoards(Seconds):
    """Keeps all that it heard."""

    def __init__(self) -> None:
        self.heard: list[Samples] = []

    def predict(self, window: Samples) -> npt.ArrayLike:
        self.heard.append(window.copy())
        return super().predict(window)


class Stays(Seconds):
    """Has a thread that does not end."""

    def __init__(self) -> None:
        threading.Thread(target=threading.Event().wait).start()


class Talks(Seconds):
    """Writes to the standard output that the host reads, once, and far more than a pipe holds."""

    talked = False

    def predict(self, window: Samples) -> npt.ArrayLike:
        if not self.talked:
            os.write(_stdout.guard(), b"x" * 360_000)
            self.talked = True
        return super().predict(window)


class Floods(Seconds):
    """Writes to standard error without an end of line."""

    def __init__(self) -> None:
        for _ in range(8):
            os.write(2, b"x" * (1 << 20))


class Needs(Seconds):
    """Needs a variable of the environment that no host passes on."""

    def __init__(self) -> None:
        print("home is", os.environ["MY_MODEL_HOME"], file=sys.stderr)


class Bare(Seconds):
    """Without go-plugin's own services, which are not needed."""

    def __init__(self) -> None:
        _server.Server._go_plugin = lambda _: ()  # type: ignore[method-assign, assignment]


class Exits(Seconds):
    """Ends in the middle of its work."""

    def predict(self, window: Samples) -> npt.ArrayLike:
        print("last words", file=sys.stderr, flush=True)
        os._exit(9)


class Clings(Seconds):
    """Lives on when its host is gone."""

    def __init__(self) -> None:
        print(os.getpid(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "Clings":
        _orphan.end_with_host = lambda *_: None
    serve(globals()[sys.argv[1]])
