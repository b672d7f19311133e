"""Training of the mask network: the loss, and that it learns what can be learned."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import numpy as np
import torch
from mask_scenes import disc_sample
from safetensors import safe_open

from motion_seg_ros.lab.training.masks.batches import MaskBatch
from motion_seg_ros.lab.training.masks.loop import (
    MaskTraining,
    mask_loss,
    train_masks,
    validate_masks,
)
from motion_seg_ros.masks.fusion.channels import BELIEF
from motion_seg_ros.masks.fusion.network import MaskNetwork, load_mask_network


def test_the_loss_is_the_closed_form_and_blind_where_nothing_is_known() -> None:
    moving = torch.zeros(1, 10, 20)
    moving[:, :, :10] = 1
    weight = torch.ones(1, 10, 20)
    batch = MaskBatch(torch.zeros(1), moving, weight)
    # log 2 everywhere; Dice of one half against 100 of 200 pixels.
    expected = np.log(2) + 0.5 * (1 - (2 * 50 + 50) / (100 + 100 + 50))
    found = mask_loss(torch.zeros(1, 10, 20), batch)
    np.testing.assert_allclose(found.item(), expected, rtol=1e-5)
    right = torch.where(moving > 0, 20.0, -20.0)
    wrong_where_unknown = right.clone()
    wrong_where_unknown[:, 5:] *= -1
    weight[:, 5:] = 0
    np.testing.assert_allclose(mask_loss(wrong_where_unknown, batch).item(), 0, atol=1e-5)


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
    score = validate_masks(MaskNetwork(), [sample, still])  # repeats the belief
    np.testing.assert_allclose(score.iou, (len(moving) // 2) / len(moving))
    np.testing.assert_allclose(score.false_alarms, 12 / 48)
    assert (score.iou, score.false_alarms) == (score.belief_iou, score.belief_false_alarms)


def test_it_learns_and_writes_what_it_learned(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    training, validation = (
        [disc_sample(rng) for _ in range(8)],
        [disc_sample(rng) for _ in range(3)],
    )
    weights = tmp_path / "weights.safetensors"
    options = MaskTraining(steps=40, batch=4, learning_rate=5e-3, validation_interval=20)
    score = train_masks(
        training, validation, options, weights, metadata={"who": "a test"}, progress_bar=False
    )
    assert score.iou > 0.85
    assert score.belief_iou < 0.5
    again = validate_masks(load_mask_network(weights), validation)
    np.testing.assert_equal(astuple(again), astuple(score))  # nan, without still frames, is equal
    with safe_open(weights, framework="pt") as file:
        metadata = file.metadata()
    assert metadata["who"] == "a test"
    assert metadata["step"] == "40"
    assert metadata["iou"] == f"{score.iou:.4f}"


def test_stopped_early_it_still_writes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples = [disc_sample(rng)]
    weights = tmp_path / "weights.safetensors"
    train_masks(
        samples,
        samples,
        MaskTraining(steps=100, batch=1),
        weights,
        metadata={},
        stop=lambda: True,
        progress_bar=False,
    )
    with safe_open(weights, framework="pt") as file:
        assert file.metadata()["step"] == "1"
