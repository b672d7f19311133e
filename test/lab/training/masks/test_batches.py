"""Random crops: truth under its channels, and augmentation that leaves the belief alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mask_scenes import TRACKS, disc_sample

from motion_seg_ros.lab.training.masks import batches
from motion_seg_ros.lab.training.masks.batches import CROP, random_batch
from motion_seg_ros.lab.training.masks.samples import FULL, MaskSample
from motion_seg_ros.masks.fusion.channels import BELIEF, COLOURS, MASK_CHANNELS, RESIDUALS_X


def test_crops_keep_the_truth_under_its_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is cut and mirrored, a channel that holds the truth still does."""
    monkeypatch.setattr(batches, "_augment", lambda rng, crop: None)
    monkeypatch.setattr(batches, "ENLARGED", 0)
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


def test_enlarged_crops_keep_the_truth_under_its_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disc grows with its residuals."""
    monkeypatch.setattr(batches, "_augment", lambda rng, crop: None)
    monkeypatch.setattr(batches, "ENLARGED", 1)
    rng = np.random.default_rng(2)
    sample = disc_sample(rng, CROP)
    sample.channels[BELIEF] = sample.moving / FULL
    sample.channels[RESIDUALS_X[1]] = np.arcsinh(4.0)
    batch = random_batch(rng, [sample], 64)
    assert batch.weight.all()
    torch.testing.assert_close(batch.channels[:, BELIEF], batch.moving, atol=1e-3, rtol=0)
    residuals = np.sinh(np.abs(batch.channels[:, RESIDUALS_X[1]].numpy()))
    np.testing.assert_allclose(residuals.min((1, 2)), residuals.max((1, 2)), rtol=1e-3)
    scales = residuals[:, 0, 0] / 4
    assert 1 <= scales.min() < 1.2
    assert 1.8 < scales.max() <= batches.LARGEST * 1.01
    whole = batch.moving.numpy().sum((1, 2)) / (sample.moving / FULL).sum()
    np.testing.assert_allclose(np.sqrt(whole.max()), scales[whole.argmax()], rtol=0.1)


def test_changes_leave_the_belief_and_its_place_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ENLARGED", 0)
    rng = np.random.default_rng(1)
    samples = [disc_sample(rng, CROP)]
    plain = samples[0].channels.astype(np.float32)
    batch = random_batch(rng, samples, 64).channels.numpy()
    mirrored = plain[BELIEF][:, ::-1]
    for each in batch[:, BELIEF]:
        assert (each == plain[BELIEF]).all() or (each == mirrored).all()
    colourless = (batch[:, COLOURS] == 0).all((1, 2, 3)).mean()
    assert 0.1 < colourless < 0.45
