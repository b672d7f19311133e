"""Validation of the mask network."""

from __future__ import annotations

import numpy as np
from mask_scenes import disc_sample

from motion_seg_ros.lab.training.masks.samples import MaskSample
from motion_seg_ros.lab.training.masks.validation import validate_masks
from motion_seg_ros.masks.fusion.channels import BELIEF
from motion_seg_ros.masks.fusion.network import MaskNetwork


def test_validation_counts_as_by_hand() -> None:
    rng = np.random.default_rng(0)
    sample, still = disc_sample(rng), disc_sample(rng)
    still.moving[:] = 0
    belief = np.full(sample.moving.shape, -1.0, np.float16)
    moving = np.argwhere(sample.moving > 0)
    belief[tuple(moving[: len(moving) // 2].T)] = 1
    sample.channels[BELIEF] = belief
    still.channels[BELIEF] = -1
    still.channels[BELIEF, :12] = 1
    groups = {("crowd", "every frame"): [sample], ("crowd", "every 2nd"): [still]}
    scores = validate_masks(MaskNetwork(), groups)  # repeats the belief
    assert list(scores) == ["all", "crowd", "every frame", "every 2nd"]
    score = scores["all"]
    np.testing.assert_allclose(score.iou, (len(moving) // 2) / len(moving))
    np.testing.assert_allclose(score.false_alarms, 12 / 48)
    assert (score.iou, score.false_alarms) == (score.belief_iou, score.belief_false_alarms)
    assert scores["crowd"] == score
    assert (scores["every frame"].iou, scores["every 2nd"].false_alarms) == (
        score.iou,
        score.false_alarms,
    )
    assert np.isnan(scores["every 2nd"].iou)


def test_networks_are_compared_at_the_same_false_alarms() -> None:
    """Half of a mover has log-odds of 3, the other half 1; a quarter of a static frame 2. Above 2
    there are no false alarms, and half of the mover is left."""
    rng = np.random.default_rng(0)
    sample, still = disc_sample(rng), disc_sample(rng)
    still.moving[:] = 0
    moving = np.argwhere(sample.moving > 0)
    for each in (sample, still):
        each.channels[BELIEF] = -1
    sample.channels[BELIEF][tuple(moving.T)] = 1
    sample.channels[BELIEF][tuple(moving[: len(moving) // 2].T)] = 3
    still.channels[BELIEF, :12] = 2

    def score(*samples: MaskSample) -> tuple[float, float]:
        found = validate_masks(MaskNetwork(), {("crowd", "every frame"): samples})["all"]
        return found.iou, found.compared_iou

    half = (len(moving) // 2) / len(moving)
    np.testing.assert_allclose(score(sample, still), (1, half))
    np.testing.assert_allclose(score(sample), (1, np.nan))
    still.channels[BELIEF, :12] = -1
    np.testing.assert_allclose(score(sample, still), (1, 1))  # no false alarms at 0
