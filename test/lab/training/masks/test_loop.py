"""Training of the mask network: crops, loss, and that it learns what can be learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

from motion_seg_ros.lab.training.masks import batches
from motion_seg_ros.lab.training.masks.batches import CROP, MaskBatch, random_batch
from motion_seg_ros.lab.training.masks.loop import (
    MaskTraining,
    mask_loss,
    train_masks,
    validate_masks,
)
from motion_seg_ros.lab.training.masks.samples import FULL, MaskSample
from motion_seg_ros.masks.fusion.channels import BELIEF, COLOURS, MASK_CHANNELS, RESIDUALS_X
from motion_seg_ros.masks.fusion.network import MaskNetwork, load_mask_network

TRACKS = 5


def scene(rng: np.random.Generator, size: tuple[int, int] = (48, 64)) -> MaskSample:
    """A disc that moves: the tracks say so, the belief says nothing."""
    y, x = np.indices(size)
    centre = rng.uniform((10, 10), (size[0] - 10, size[1] - 10))
    moving = np.hypot(y - centre[0], x - centre[1]) < 9
    channels = rng.normal(0, 0.1, (MASK_CHANNELS, *size))
    channels[TRACKS] += np.where(moving, 3.0, -3.0)
    return MaskSample(
        channels.astype(np.float16),
        np.where(moving, FULL, 0).astype(np.uint8),
        np.full(size, FULL, np.uint8),
    )


def test_crops_keep_the_truth_under_its_channels(monkeypatch) -> None:
    """Whatever is cut and mirrored, a channel that holds the truth still does."""
    monkeypatch.setattr(batches, "_augment", lambda rng, crop: None)
    rng = np.random.default_rng(0)
    size = (130, 90)
    moving = rng.integers(0, 2, size).astype(np.uint8) * FULL
    labelled = rng.integers(0, 2, size).astype(np.uint8) * FULL
    channels = np.zeros((MASK_CHANNELS, *size), np.float16)
    channels[BELIEF], channels[TRACKS] = moving / FULL, labelled / FULL
    channels[RESIDUALS_X[0]] = 1
    batch = random_batch(rng, [MaskSample(channels, moving, labelled)], 16)
    assert batch.channels.shape == (16, MASK_CHANNELS, *CROP)
    torch.testing.assert_close(batch.channels[:, BELIEF], batch.moving)
    torch.testing.assert_close(batch.channels[:, TRACKS], batch.weight)
    assert not batch.weight[..., size[1] :].any()
    signs = batch.channels[:, RESIDUALS_X[0], 0, 0]
    assert set(signs.tolist()) == {1.0, -1.0}


def test_changes_leave_the_belief_and_its_place_alone() -> None:
    rng = np.random.default_rng(1)
    samples = [scene(rng, CROP)]
    plain = samples[0].channels.astype(np.float32)
    batch = random_batch(rng, samples, 64).channels.numpy()
    mirrored = plain[BELIEF][:, ::-1]
    for each in batch[:, BELIEF]:
        assert (each == plain[BELIEF]).all() or (each == mirrored).all()
    colourless = (batch[:, COLOURS] == 0).all((1, 2, 3)).mean()
    assert 0.1 < colourless < 0.45


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
    sample, still = scene(rng), scene(rng)
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
    training, validation = [scene(rng) for _ in range(8)], [scene(rng) for _ in range(3)]
    weights = tmp_path / "weights.safetensors"
    options = MaskTraining(steps=40, batch=4, learning_rate=5e-3, validation_interval=20)
    score = train_masks(
        training, validation, options, weights, metadata={"who": "a test"}, progress_bar=False
    )
    assert score.iou > 0.85
    assert score.belief_iou < 0.5
    assert validate_masks(load_mask_network(weights), validation) == score
    with safe_open(weights, framework="pt") as file:
        metadata = file.metadata()
    assert metadata["who"] == "a test"
    assert metadata["step"] == "40"
    assert metadata["iou"] == f"{score.iou:.4f}"


def test_stopped_early_it_still_writes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples = [scene(rng)]
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
