"""Compute the reference figures of orchestrator/service/quality's test with the field's own packages.

    python -m venv .venv-sed && .venv-sed/bin/pip install sed_eval==0.2.1 sed_scores_eval==0.0.4 'pandas<3'
    cd orchestrator/service/quality/testdata && python sed_reference.py > sed_reference.json
"""

import json
import random
from typing import Any

import numpy as np
import pandas as pd
import sed_eval
import sed_scores_eval
from sed_scores_eval.base_modules.scores import create_score_dataframe

Event = tuple[float, float]


def events(rng: random.Random, length: float) -> list[Event]:
    """Disjoint events on a grid of 10 ms."""
    found: list[Event] = []
    at = 0.0
    while True:
        onset = at + rng.choice([0.05, 0.3, 1.0, 2.5]) + rng.random()
        offset = onset + rng.choice([0.1, 0.5, 1.5, 4.0]) + rng.random()
        if offset >= length:
            return found
        found.append((round(onset, 2), round(offset, 2)))
        at = offset


def near(rng: random.Random, labels: list[Event]) -> list[Event]:
    """What a detector might make of labels: moved, cut, joined, missed and invented."""
    found: list[Event] = []
    for onset, offset in labels:
        if rng.random() < 0.2:
            continue
        a, b = onset + rng.gauss(0, 0.25), offset + rng.gauss(0, 0.5)
        if b - a > 0.05 and a > (found[-1][1] + 0.02 if found else 0):
            found.append((round(a, 2), round(b, 2)))
    return found


def main() -> None:
    """Print the cases and what the packages say of them."""
    rng = random.Random(1)
    cases: list[dict[str, Any]] = []
    for i in range(60):
        labels = events(rng, 40)
        found = near(rng, labels) if i % 3 else events(rng, 40)
        metrics = sed_eval.sound_event.EventBasedMetrics(
            event_label_list=["laugh"], t_collar=0.2, percentage_of_length=0.5, event_matching_type="optimal"
        )
        metrics.evaluate(
            *(
                [{"filename": "a", "event_label": "laugh", "onset": a, "offset": b} for a, b in side]
                for side in (labels, found)
            )
        )
        overall = metrics.overall
        borders = sorted({0.0, 60.0, *(t for event in found for t in event)})
        inside = [any(a <= t < b for a, b in found) for t in borders[:-1]]
        scores = create_score_dataframe(
            np.array(inside, dtype=float)[:, None], timestamps=np.array(borders), event_classes=["laugh"]
        )
        assert isinstance(scores, pd.DataFrame)
        _, _, _, stats = sed_scores_eval.intersection_based.fscore(
            {"a": scores},
            {"a": [(a, b, "laugh") for a, b in labels]},
            threshold=0.5,
            dtc_threshold=0.5,
            gtc_threshold=0.5,
        )
        s = stats["laugh"]
        cases.append(
            {
                "labels": labels,
                "found": found,
                "event_based": {
                    "right": int(overall["Ntp"]),
                    "missed": int(overall["Nfn"]),
                    "wrong": int(overall["Nfp"]),
                },
                "intersection_based": {"right": int(s["tps"]), "missed": len(labels) - int(s["tps"]), "wrong": int(s["fps"])},
            }
        )
    print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")


if __name__ == "__main__":
    main()
