"""A whole plugin: takes everything loud for a laugh."""

import numpy as np

from chortle_plugin import Description, Model, Samples, serve


class Loud(Model):
    """Its score is the loudest sample of the window."""

    def describe(self) -> Description:
        """What the model is."""
        return Description(
            name="loud",
            sample_rate_hz=16000,
            window_samples=16000,
            hop_samples=8000,
            labels=["Loud"],
            laughter=["Loud"],
        )

    def predict(self, window: Samples) -> list[float]:
        """One score in 0..1 for each label; the window is float32 in -1..1."""
        return [min(1, float(np.abs(window).max()))]


if __name__ == "__main__":
    serve(Loud)
