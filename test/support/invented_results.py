"""Results of evaluations made up by hand, for the tests of what shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from motion_seg_ros.lab.evaluation.metrics import statistics
from motion_seg_ros.lab.evaluation.results import (
    LabelScores,
    MovingNowScores,
    ObjectScores,
    PerFrame,
    Results,
    SequenceScores,
    Timing,
)
from motion_seg_ros.lab.evaluation.scoring import method_scores


def sequence(
    region: Sequence[float], boundary: Sequence[float] | None = None, **changes: Any
) -> SequenceScores:
    """A sequence of these J and F (or J backwards); in its last frame nothing moves."""
    boundary = list(reversed(region)) if boundary is None else boundary
    j, f = statistics(region), statistics(boundary)
    count = len(region)
    scores = SequenceScores(
        J_mean=j.mean,
        J_recall=j.recall,
        J_decay=j.decay,
        F_mean=f.mean,
        F_recall=f.recall,
        F_decay=f.decay,
        JF_mean=(j.mean + f.mean) / 2,
        frames=count + 2,
        still_frames=1,
        false_alarms=int(region[-1] < 1),
        per_frame=PerFrame(
            name=tuple(f"{index:05d}" for index in range(1, count + 1)),
            J=tuple(region),
            F=tuple(boundary),
            predicted_share=(0.125,) * count,
            true_share=(0.25,) * (count - 1) + (0.0,),
        ),
    )
    return replace(scores, **changes)


def whole(region: Sequence[float], **changes: Any) -> SequenceScores:
    """The same with objects, labels and timing."""
    parts = {
        "objects": ObjectScores(0.5, 0.75, 0.625, 2, 3, 1, 4),
        "moving_now": MovingNowScores(0.875, 1.5, 0.625, movers=2),
        "labels": LabelScores(
            *(0.75, 0.5, 0.6, 0.875, 1234),
            curve_threshold=(0.0, 0.5, 1.0),
            curve_precision=(0.25, 0.75, None),
            curve_recall=(1.0, 0.5, 0.0),
        ),
        "timing": Timing(ms=(10.0, 20.0, 30.0, 40.0), answered=4),
    }
    return sequence(region, **{**parts, **changes})


def results(sequences: Mapping[str, SequenceScores], **changes: Any) -> Results:
    """A run of motion_seg on a data set of these sequences."""
    found = Results(
        dataset="folder",
        method="motion_seg",
        scores=method_scores(sequences),
        version="1.2.3",
        versions={"python": "3.11"},
        configuration={"window.size": 12, "masks.backend": "densifier"},
        machine="a machine, 2 cores",
        command="motion_seg evaluate --dataset folder --root clips -o out",
    )
    return replace(found, **changes)


def with_pictures(folder: Path, name: str, scores: SequenceScores) -> SequenceScores:
    """The same with three pictures, of 64, 96 and 32 columns."""
    pictures = {}
    for number, (kind, width) in enumerate((("worst", 64), ("best", 96), ("failure", 32))):
        frame = scores.per_frame.name[min(number, len(scores.per_frame.name) - 1)]
        path = Path("pictures") / name / f"{kind}.jpg"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        picture = np.full((32, width, 3), 40 * (number + 1), np.uint8)
        (folder / path).write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
        pictures[f"{kind} {frame}"] = path.as_posix()
    return replace(scores, pictures=pictures)
