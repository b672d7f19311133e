"""Scores of a sequence from its masks and tracks, frame by frame."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.lab.evaluation.frame_tags import TAGS, FrameTagger
from motion_seg_ros.lab.evaluation.labels.comparison import judged_tracks
from motion_seg_ros.lab.evaluation.labels.metrics import label_metrics
from motion_seg_ros.lab.evaluation.labels.sources import mask_at
from motion_seg_ros.lab.evaluation.metrics import boundary_accuracy, region_similarity, statistics
from motion_seg_ros.lab.evaluation.moving_now import MovingNowTally
from motion_seg_ros.lab.evaluation.object_metrics import ObjectTally
from motion_seg_ros.lab.evaluation.results import (
    LabelScores,
    MaskScores,
    MethodScores,
    MovingNowScores,
    ObjectScores,
    PerFrame,
    SequenceScores,
    ThingScores,
    Timing,
)
from motion_seg_ros.types import BoolArray, FloatArray, TrackLabels, Tracks, UInt16Array

THING_MASKED = 0.1
"""Share of a static thing's pixels in sight above which it counts as masked. Set by hand: what a
mover's outline that is a few pixels off covers of a thing beside it stays below."""
CURVE_POINTS = 101  # thresholds 0, 0.01, ..., 1


class SequenceScorer:
    """Collects the scores of one method on one sequence.

    Args:
        separate: also score each mover of the truth by itself; None: if the truth tells several
            apart.
    """

    def __init__(self, *, separate: bool | None) -> None:
        self._separate = separate
        self._objects = None if separate is False else ObjectTally()
        self._moving_now = MovingNowTally(), MovingNowTally(one=True)
        self._names: list[str] = []
        self._region: list[float] = []
        self._boundary: list[float] = []
        self._predicted_share: list[float] = []
        self._true_share: list[float] = []
        self._things: dict[str, list[float]] = {}
        self._tagger = FrameTagger()
        self._tags: dict[str, list[str]] = {}

    def add(
        self, name: str, predicted: UInt16Array, truth: TruthMask, index: int | None = None
    ) -> None:
        """Score the next frame.

        Args:
            name: of the frame.
            predicted: (H, W) uint16, 0 = static, k = object k.
            truth: of the same size.
            index: of the frame in the sequence; None: the one after that of the last call.

        Raises:
            InputError: the masks differ in size.
        """
        true_ids = truth.id_map
        if predicted.shape != true_ids.shape:
            raise InputError(
                f"mask of frame {name}: expected {true_ids.shape[1]}x{true_ids.shape[0]} like the "
                f"truth, found {predicted.shape[1]}x{predicted.shape[0]}; give masks of that size"
            )
        counted = predicted.size
        if truth.ignored is not None:
            counted -= int(np.count_nonzero(truth.ignored))
            predicted = np.where(truth.ignored, np.uint16(0), predicted)
            true_ids = np.where(truth.ignored, np.uint16(0), true_ids)
        moving, true_moving = predicted != 0, true_ids != 0
        self._names.append(name)
        self._region.append(region_similarity(moving, true_moving))
        self._boundary.append(boundary_accuracy(moving, true_moving))
        self._predicted_share.append(float(np.count_nonzero(moving)) / max(counted, 1))
        self._true_share.append(float(np.count_nonzero(true_moving)) / max(counted, 1))
        for thing, pixels in truth.things.items():
            self._things.setdefault(thing, []).append(float(moving[pixels].mean()))
        if self._objects is not None:
            self._objects.add(predicted, true_ids)
        if truth.moving is not None:
            now = np.where(np.isin(true_ids, sorted(truth.moving)), true_ids, np.uint16(0))
            for tally in self._moving_now:
                tally.add(predicted, now)
        for tag in self._tagger.tags(dataclasses.replace(truth, id_map=true_ids), index):
            self._tags.setdefault(tag, []).append(name)

    def scores(
        self, *, frames: int, labels: LabelScores | None = None, timing: Timing | None = None
    ) -> SequenceScores:
        """Return the scores over all frames so far, one at least; without pictures.

        Args:
            frames: frames read, the scored ones among them.
            labels: of the tracks.
            timing: of the frames.

        Raises:
            MissingDependencyError: scipy is not installed.
        """
        region, boundary = statistics(self._region), statistics(self._boundary)
        objects = self._object_scores()
        each_by_itself, as_one = self._moving_now
        now = each_by_itself if self._separate or objects is not None else as_one
        still = [share == 0 for share in self._true_share]
        return SequenceScores(
            J_mean=region.mean,
            J_recall=region.recall,
            J_decay=region.decay,
            F_mean=boundary.mean,
            F_recall=boundary.recall,
            F_decay=boundary.decay,
            JF_mean=(region.mean + boundary.mean) / 2,
            frames=frames,
            still_frames=sum(still),
            false_alarms=sum(
                nothing and said > 0
                for nothing, said in zip(still, self._predicted_share, strict=True)
            ),
            per_frame=PerFrame(
                name=tuple(self._names),
                J=tuple(self._region),
                F=tuple(self._boundary),
                predicted_share=tuple(self._predicted_share),
                true_share=tuple(self._true_share),
            ),
            objects=objects,
            moving_now=now.scores(),
            tags={each: tuple(self._tags[each]) for each in TAGS if each in self._tags},
            labels=labels,
            timing=timing,
            things={name: _thing_scores(shares) for name, shares in self._things.items()},
        )

    def _object_scores(self) -> ObjectScores | None:
        scores = None if self._objects is None else self._objects.scores()
        if scores is not None and scores.movers == 1 and self._separate is None:
            return None
        return scores


class LabelTally:
    """Collects labels of tracks beside the truth under their newest position.

    Judged are the same tracks as in `evaluate-labels`; one without a label counts as static.
    """

    def __init__(self) -> None:
        self._moving: list[BoolArray] = []
        self._probability: list[FloatArray] = []
        self._threshold = 0.5

    def add(self, tracks: Tracks, labels: TrackLabels, truth: TruthMask) -> None:
        """Judge the tracks of the next frame, `tracks` being those of a window that ends at it."""
        judged = judged_tracks(tracks)
        newest = tracks.xy_px[-1]
        if truth.ignored is not None:
            judged &= ~mask_at(truth.ignored, newest)
        self._moving.append(mask_at(truth.id_map != 0, newest)[judged])
        self._probability.append(np.nan_to_num(labels.moving_probability[judged], nan=0.0))
        if labels.abstention is None:
            self._threshold = labels.threshold

    def scores(self) -> LabelScores:
        """Return the scores over all frames so far, at the threshold of the labels."""
        moving = np.concatenate([np.zeros(0, bool), *self._moving])
        probability = np.concatenate([np.zeros(0, np.float32), *self._probability])
        metrics = label_metrics(probability, moving, self._threshold)
        thresholds = np.linspace(0, 1, CURVE_POINTS)
        said = len(moving) - np.searchsorted(np.sort(probability), thresholds, side="right")
        positives = np.sort(probability[moving])
        hits = len(positives) - np.searchsorted(positives, thresholds, side="right")
        has_curve = len(positives) > 0
        return LabelScores(
            precision=_known(metrics.precision),
            recall=_known(metrics.recall),
            F1=_known(metrics.f1) if has_curve else None,
            AUC=_known(metrics.roc_auc),
            tracks=len(moving),
            curve_threshold=tuple(thresholds.tolist()) if has_curve else (),
            curve_precision=tuple(
                hit / all_said if all_said else None
                for hit, all_said in zip(hits.tolist(), said.tolist(), strict=True)
            )
            if has_curve
            else (),
            curve_recall=tuple((hits / len(positives)).tolist()) if has_curve else (),
        )


def method_scores(per_sequence: Mapping[str, SequenceScores]) -> MethodScores:
    """Return the scores of a method on a data set, from those of one or more sequences."""
    sequences = list(per_sequence.values())
    names = [each.name for each in dataclasses.fields(MaskScores)]
    means = {name: _mean([getattr(each, name) for each in sequences]) for name in names}
    objects = [each.objects for each in sequences if each.objects is not None]
    movers = sum(each.movers for each in objects)
    now = [each.moving_now for each in sequences if each.moving_now is not None]
    labels = [each.labels for each in sequences if each.labels is not None]
    labels = [each for each in labels if each.F1 is not None]
    things = [thing for each in sequences for thing in each.things.values()]
    still_shares = [share for each in sequences for share in still_masked_shares(each)]
    still = sum(each.still_frames for each in sequences)
    ms = [ms for each in sequences if each.timing is not None for ms in each.timing.ms]
    return MethodScores(
        **means,
        objects_JF_mean=sum(each.JF_mean * each.movers for each in objects) / movers
        if movers
        else None,
        labels_F1=_known_mean([each.F1 for each in labels]),
        labels_recall=_known_mean([each.recall for each in labels]),
        false_alarms_per_still_frame=sum(each.false_alarms for each in sequences) / still
        if still
        else None,
        masked_share_of_still_frames=_known_mean(still_shares),
        things_masked=things_masked(things),
        moving_now_J=_moving_now_j(now),
        moving_now_false_per_frame=_known_mean(each.false_per_frame for each in now),
        moving_now_temporal_IoU=_known_mean(each.temporal_IoU for each in now),
        ms_per_frame=_known_mean(ms),
        per_sequence=dict(per_sequence),
    )


def still_masked_shares(scores: SequenceScores) -> list[float]:
    """Return the share of the pixels that are masked, of each frame in which nothing moves."""
    frames = scores.per_frame
    pairs = zip(frames.predicted_share, frames.true_share, strict=True)
    return [predicted for predicted, true in pairs if true == 0]


def still_masked_share(scores: SequenceScores) -> float | None:
    """Return the mean of `still_masked_shares`; None where something moves in every frame."""
    return _known_mean(still_masked_shares(scores))


def things_masked(things: Iterable[ThingScores]) -> float | None:
    """Return the share of the frames with a thing in which it is masked; None without one."""
    things = list(things)
    frames = sum(each.frames for each in things)
    return sum(each.masked for each in things) / frames if frames else None


def _thing_scores(shares: Sequence[float]) -> ThingScores:
    masked = sum(each > THING_MASKED for each in shares)
    return ThingScores(frames=len(shares), masked=masked, masked_share=_mean(shares))


def _moving_now_j(scores: Sequence[MovingNowScores]) -> float | None:
    """Return the mean J over all movers of all sequences; None where nothing ever moves."""
    known = [(each.J_mean, each.movers) for each in scores if each.J_mean is not None]
    movers = sum(count for _, count in known)
    return math.fsum(j * count for j, count in known) / movers if movers else None


def _known_mean(values: Iterable[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return _mean(known) if known else None


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
