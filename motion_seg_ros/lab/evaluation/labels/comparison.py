"""Labellers side by side: each gets the same stream, and its labels of the same tracks are kept
beside the truth.

A track without a label counts as static, with probability 0, and so do all tracks where a labeller
abstains. The share of the tracks with a label is kept too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from motion_seg_ros.geometry.estimator import CameraMotionEstimator
from motion_seg_ros.lab.evaluation.labels.metrics import LabelMetrics, best_threshold, label_metrics
from motion_seg_ros.lab.evaluation.labels.motions import LastLabels, MotionScore, motion_scores
from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.types import MOVING_PROBABILITY, BoolArray, FloatArray, Int64Array, Tracks
from motion_seg_ros.window import Window

T = TypeVar("T", bound=np.generic)

MIN_AGE_FRAMES = 3  # since a track was seeded; younger tracks show too little motion to judge


@dataclass(frozen=True, eq=False)
class Moment:
    """Input of a labeller at one frame of a stream.

    Attributes:
        window: the frames the tracks run over.
        tracks: the tracks to label.
        features: (N, C) float32 descriptors, or None.
        moving: (N,) bool, the truth; None where it is not known: labellers only see the frame go
            by.
        known: (N,) bool, False where the truth of a track is ambiguous; None where it never is.
    """

    window: Window
    tracks: Tracks
    features: FloatArray | None = None
    moving: BoolArray | None = None
    known: BoolArray | None = None


@dataclass(frozen=True)
class LabelStream:
    """An unbroken stream of moments, to be followed once.

    Attributes:
        name: the group it is scored in, such as a clip.
        tags: further groups, such as "pan".
        moments: in the order of time.
        motion: (K,) true motion by the tracks' ids, which are 0 to K - 1: -1 not judged, 0 the
            static world, 1 and more movers; None where it is not known.
    """

    name: str
    tags: tuple[str, ...]
    moments: Iterable[Moment]
    motion: Int64Array | None = None


@dataclass(frozen=True, eq=False)
class Verdicts:
    """Labels of the tracks of some streams; M judged tracks, each once per frame.

    Attributes:
        moving: (M,) bool, the truth.
        probability: labeller -> (M,) float32 in [0, 1], 0 without a label.
        labelled: labeller -> (M,) bool, True if it labelled the track.
        thresholds: labeller -> the probability above which a track moves; only of labellers that
            labelled one.
        frames: frames with a track that was judged.
        last: labeller -> (K,) float32 by track id, what it said last while the track was in sight,
            NaN where nothing; only of a single stream whose motions are known.
    """

    moving: BoolArray
    probability: Mapping[str, FloatArray]
    labelled: Mapping[str, BoolArray]
    thresholds: Mapping[str, float]
    frames: int
    last: Mapping[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True)
class GroupScore:
    """One labeller on one group of tracks.

    Attributes:
        shipped: at the threshold it comes with.
        best: at the threshold that is best over all groups, known only in hindsight.
        said_share: share of the tracks with a label; NaN without tracks.
    """

    shipped: LabelMetrics
    best: LabelMetrics
    said_share: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """Labellers side by side on one set of streams.

    Attributes:
        thresholds: labeller -> the threshold it comes with, or was to be judged at.
        best_thresholds: labeller -> the one with the best F1 over all tracks, in hindsight.
        overall: labeller -> score over all tracks.
        by_name: name of streams -> labeller -> score.
        by_tag: tag -> labeller -> score.
        pooled: all tracks.
        by_motion: name of a stream whose motions are known -> labeller -> score; see `motions`.
    """

    thresholds: Mapping[str, float]
    best_thresholds: Mapping[str, float]
    overall: Mapping[str, GroupScore]
    by_name: Mapping[str, Mapping[str, GroupScore]]
    by_tag: Mapping[str, Mapping[str, GroupScore]]
    pooled: Verdicts
    by_motion: Mapping[str, Mapping[str, MotionScore]] = field(default_factory=dict)


def listen(stream: LabelStream, labellers: Mapping[str, Labeller]) -> Verdicts:
    """Let labellers, which are reset, follow a stream, and keep their labels where there is truth.

    Judged are the tracks of `judged_tracks` whose truth is known.
    """
    moving: list[BoolArray] = []
    labelled: dict[str, list[FloatArray]] = {name: [] for name in labellers}
    thresholds: dict[str, float] = {}
    for labeller in labellers.values():
        labeller.reset()
    camera = CameraMotionEstimator()
    last = {name: LastLabels(len(stream.motion)) for name in labellers if stream.motion is not None}
    for moment in stream.moments:
        geometry = camera.follow(moment.window, moment.tracks)
        chosen = _judged(moment)
        if moment.moving is not None:
            moving.append(moment.moving[chosen])
        for name, labeller in labellers.items():
            labels = labeller.label(moment.window, moment.tracks, moment.features, geometry)
            if labels.abstention is None:
                thresholds[name] = labels.threshold
            if name in last:
                last[name].add(moment.tracks, labels)
            if moment.moving is not None:
                labelled[name].append(labels.moving_probability[chosen])
    values = {name: _joined(parts, np.float32) for name, parts in labelled.items()}
    return Verdicts(
        moving=_joined(moving, np.bool_),
        probability={name: np.nan_to_num(each, nan=0.0) for name, each in values.items()},
        labelled={name: np.isfinite(each) for name, each in values.items()},
        thresholds=thresholds,
        frames=sum(bool(len(each)) for each in moving),
        last={name: each.probability for name, each in last.items()},
    )


def compare(
    streams: Iterable[LabelStream],
    labellers: Mapping[str, Labeller],
    thresholds: Mapping[str, float] | None = None,
) -> Comparison:
    """Score labellers on streams: over all of them, per name and per tag.

    Args:
        streams: any number, one after the other.
        labellers: by the name they are reported under.
        thresholds: labeller -> threshold to judge it at; of those not named, the one it comes with.
    """
    by_name: dict[str, list[Verdicts]] = {}
    by_tag: dict[str, list[Verdicts]] = {}
    motions: dict[str, tuple[Int64Array, Verdicts]] = {}
    for stream in streams:
        verdicts = listen(stream, labellers)
        if stream.motion is not None:
            motions[stream.name] = (stream.motion, verdicts)
        by_name.setdefault(stream.name, []).append(verdicts)
        for tag in stream.tags:
            by_tag.setdefault(tag, []).append(verdicts)
    everything = pool([each for group in by_name.values() for each in group], labellers)
    own = {name: everything.thresholds.get(name, MOVING_PROBABILITY) for name in labellers}
    shipped = {**own, **(thresholds or {})}
    best = {
        name: best_threshold(everything.probability[name], everything.moving) for name in labellers
    }

    def scores(verdicts: Verdicts) -> dict[str, GroupScore]:
        return {name: _score(verdicts, name, shipped[name], best[name]) for name in labellers}

    return Comparison(
        thresholds=shipped,
        best_thresholds=best,
        overall=scores(everything),
        by_name={name: scores(pool(group, labellers)) for name, group in by_name.items()},
        by_tag={tag: scores(pool(by_tag[tag], labellers)) for tag in sorted(by_tag)},
        pooled=everything,
        by_motion={
            name: motion_scores(motion, verdicts.last, shipped)
            for name, (motion, verdicts) in motions.items()
        },
    )


def pool(verdicts: Sequence[Verdicts], labellers: Iterable[str]) -> Verdicts:
    """Join the verdicts of `labellers` on several streams."""
    names = tuple(labellers)
    return Verdicts(
        moving=_joined([each.moving for each in verdicts], np.bool_),
        probability={
            name: _joined([each.probability[name] for each in verdicts], np.float32)
            for name in names
        },
        labelled={
            name: _joined([each.labelled[name] for each in verdicts], np.bool_) for name in names
        },
        thresholds={name: at for each in verdicts for name, at in each.thresholds.items()},
        frames=sum(each.frames for each in verdicts),
    )


def judged_tracks(tracks: Tracks) -> BoolArray:
    """Return (N,) bool, tracks visible in the newest frame and at least MIN_AGE_FRAMES old."""
    age = len(tracks.visible) - 1 - tracks.query_frame
    judged: BoolArray = tracks.visible[-1] & (age >= MIN_AGE_FRAMES)
    return judged


def _judged(moment: Moment) -> BoolArray:
    judged = judged_tracks(moment.tracks)
    return judged if moment.known is None else judged & moment.known


def _score(verdicts: Verdicts, labeller: str, shipped: float, best: float) -> GroupScore:
    probability, labelled = verdicts.probability[labeller], verdicts.labelled[labeller]
    return GroupScore(
        shipped=label_metrics(probability, verdicts.moving, shipped),
        best=label_metrics(probability, verdicts.moving, best),
        said_share=float(labelled.mean()) if len(labelled) else float("nan"),
    )


def _joined(parts: Sequence[npt.NDArray[T]], dtype: type[T]) -> npt.NDArray[T]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)
