"""Validation of the mask network on whole frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from motion_seg_ros.lab.training.masks.batches import CERTAIN
from motion_seg_ros.lab.training.masks.samples import FULL, MaskSample
from motion_seg_ros.masks.fusion.channels import BELIEF, whole_cells
from motion_seg_ros.masks.fusion.network import MaskNetwork
from motion_seg_ros.types import FloatArray, Int64Array

# Set by hand.
EMPTY_PX = 30  # moving pixels of a frame below which it counts as static
ALARMS = 0.01  # share of the pixels masked where nothing moves at which networks are compared
THRESHOLDS = np.linspace(0, 4, 41, dtype=np.float32)  # log-odds


@dataclass(frozen=True)
class MaskValidation:
    """Scores of whole frames, at half of the working resolution.

    Attributes:
        iou: mean intersection over union of frames with moving pixels, at threshold 0.
        false_alarms: mean share of pixels classified as moving in frames without, at threshold 0.
        compared_iou: as `iou`, at the threshold at which ALARMS of the pixels are false alarms, or
            at that of THRESHOLDS which comes nearest. Of two networks the one that masks more may
            have the larger `iou` and the smaller `compared_iou`. A few scenes have most of the
            false alarms: on 200 of them it varies by chance more than good networks do.
        belief_iou, belief_false_alarms: as the first two, of the belief that the network corrects.
    """

    iou: float
    false_alarms: float
    compared_iou: float
    belief_iou: float
    belief_false_alarms: float

    def __str__(self) -> str:
        return (
            f"IoU {self.iou:.3f} (belief alone {self.belief_iou:.3f}), false alarms where nothing "
            f"moves {self.false_alarms:.2%} ({self.belief_false_alarms:.2%}); at {ALARMS:.0%} of "
            f"them IoU {self.compared_iou:.3f}"
        )


def validate_masks(
    network: MaskNetwork, groups: Mapping[tuple[str, str], Sequence[MaskSample]]
) -> dict[str, MaskValidation]:
    """Score the network on whole frames.

    Args:
        network: left in training mode.
        groups: samples by kind of scene and by frames shown.

    Returns:
        Scores by name: "all" first, then of each kind and of each way to show frames.
    """
    network.eval()
    found: dict[str, list[_FrameScore]] = {"all": []}
    with torch.inference_mode():
        for names, samples in groups.items():
            for sample in samples:
                channels = sample.channels.astype(np.float32)
                rows, columns = channels.shape[1:]
                whole = torch.from_numpy(whole_cells(channels))[None]
                log_odds = network(whole)[0, 0, :rows, :columns].numpy()
                moves, scores = frame_scores(log_odds, sample, THRESHOLDS)
                _, belief = frame_scores(channels[BELIEF], sample, THRESHOLDS[:1])
                score = _FrameScore(moves, scores, belief)
                for name in ("all", *names):
                    found.setdefault(name, []).append(score)
    network.train()
    return {name: _mean(scores) for name, scores in found.items()}


def frame_scores(
    log_odds: FloatArray, sample: MaskSample, thresholds: FloatArray
) -> tuple[bool, FloatArray]:
    """Score a classification of one frame.

    Args:
        log_odds: (h, w).
        sample: of that size.
        thresholds: (T,), above which log-odds count as moving.

    Returns:
        Whether something moves in the frame, and at each threshold, (T,): the intersection over
        union if it does, otherwise the share of the pixels that are false alarms.
    """
    known = sample.labelled >= CERTAIN * FULL
    truth = (2 * sample.moving.astype(int) > FULL) & known
    found, both = _counts(log_odds[known], thresholds), _counts(log_odds[truth], thresholds)
    moving = int(truth.sum())
    if moving >= EMPTY_PX:
        return True, np.asarray(both / (found + moving - both), np.float32)
    return False, np.asarray(found / known.size, np.float32)


def _counts(values: FloatArray, thresholds: FloatArray) -> Int64Array:
    """Return how many of the values (N,) are above each threshold, (T,)."""
    return np.asarray(len(values) - np.searchsorted(np.sort(values), thresholds, "right"), np.int64)


@dataclass(frozen=True, eq=False)
class _FrameScore:
    """Scores of one frame, see frame_scores: of the network at each of THRESHOLDS, of the belief at
    the first alone."""

    moves: bool
    network: FloatArray
    belief: FloatArray


def _mean(scores: Sequence[_FrameScore]) -> MaskValidation:
    """Average moving and static frames apart; NaN where there are none."""

    def mean(moves: bool, name: str) -> FloatArray:
        values = [getattr(each, name) for each in scores if each.moves is moves]
        return np.mean(values, 0) if values else np.full(len(THRESHOLDS), np.nan)

    iou, alarms = mean(True, "network"), mean(False, "network")
    compared = float(np.interp(-ALARMS, -alarms, iou)) if np.isfinite(alarms).all() else np.nan
    return MaskValidation(
        float(iou[0]),
        float(alarms[0]),
        compared,
        float(mean(True, "belief")[0]),
        float(mean(False, "belief")[0]),
    )
