"""Misclassification of tracks by motion, as the literature of motion segmentation reports it.

There a method divides the tracks of a clip into groups, and the groups are assigned to the true
motions, one to one, so that the fewest tracks are wrong (Tron and Vidal, A Benchmark for the
Comparison of 3-D Motion Segmentation Algorithms, CVPR 2007). Labels moving and static are two
groups: of three motions and more one at least is wrong as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.lab.evaluation.matching import assign
from motion_seg_ros.types import FloatArray, Int64Array, TrackLabels, Tracks

ONE_MOTION = "one motion"
"""Answer without any knowledge: all tracks in one group."""
TWO_GROUPS = "two at best"
"""The truth, with all movers in one group: the best that labels moving and static can do."""


@dataclass(frozen=True)
class Misclassification:
    """Groups of tracks beside true motions.

    Attributes:
        error: share of the tracks that are wrong.
        per_motion: mean over the motions of the share of their tracks that are wrong.
    """

    error: float
    per_motion: float


@dataclass(frozen=True)
class MotionScore:
    """One labeller on the tracks of one clip.

    Attributes:
        count: tracks judged.
        motions: their motions, with the static world.
        apart: its two groups beside all motions.
        as_one: its two groups beside the static world and all movers as one.
    """

    count: int
    motions: int
    apart: Misclassification
    as_one: Misclassification


class LastLabels:
    """Keeps the last label that each track got while it was in sight.

    Args:
        count: tracks, whose ids are 0 to count - 1.
    """

    def __init__(self, count: int) -> None:
        self._probability = np.full(count, np.nan, np.float32)

    def add(self, tracks: Tracks, labels: TrackLabels) -> None:
        """Note the labels of a frame."""
        told = tracks.visible[-1] & np.isfinite(labels.moving_probability)
        self._probability[tracks.ids[told]] = labels.moving_probability[told]

    @property
    def probability(self) -> FloatArray:
        """Probabilities of moving, (count,) float32; NaN of tracks that never got a label."""
        return self._probability


def misclassification(groups: Int64Array, motion: Int64Array) -> Misclassification:
    """Return how far groups of tracks are from their motions, under the best assignment.

    A group that is assigned to no motion is wrong, and so is a motion without a group.

    Args:
        groups: (N,) number of each track's group.
        motion: (N,) number of its true motion; N is 1 at least.

    Raises:
        MissingDependencyError: scipy is not installed.
    """
    _, group = np.unique(groups, return_inverse=True)
    _, true = np.unique(motion, return_inverse=True)
    shared = np.zeros((true.max() + 1, group.max() + 1))
    np.add.at(shared, (true, group), 1)
    right = np.zeros(len(shared))
    rows, columns = assign(shared)
    right[rows] = shared[rows, columns]
    return Misclassification(
        error=float(1 - right.sum() / len(motion)),
        per_motion=float(1 - (right / shared.sum(axis=1)).mean()),
    )


def motion_scores(
    motion: Int64Array, last: Mapping[str, FloatArray], thresholds: Mapping[str, float]
) -> dict[str, MotionScore]:
    """Return the scores of labellers on one clip, and those of ONE_MOTION and TWO_GROUPS.

    Args:
        motion: (N,) of each track, -1 not judged, 0 the static world, 1 and more movers.
        last: labeller -> (N,) probability of moving, NaN without a label, which counts as static.
        thresholds: labeller -> the probability above which a track moves.

    Returns:
        Nothing where no track is judged.
    """
    judged = motion >= 0
    true = motion[judged]
    if not len(true):
        return {}
    groups = {name: (each > thresholds[name])[judged] for name, each in last.items()}
    groups |= {ONE_MOTION: np.zeros(len(true), bool), TWO_GROUPS: true > 0}
    as_one = np.minimum(true, 1)
    return {
        name: MotionScore(
            count=len(true),
            motions=len(np.unique(true)),
            apart=misclassification(each.astype(np.int64), true),
            as_one=misclassification(each.astype(np.int64), as_one),
        )
        for name, each in groups.items()
    }
