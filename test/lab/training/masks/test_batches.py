"""Random crops: truth under its channels, and augmentation that leaves the belief alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mask_scenes import TELLING, disc_sample

from motion_seg_ros.lab.training.masks import batches
from motion_seg_ros.lab.training.masks.batches import CROP, random_batch
from motion_seg_ros.lab.training.masks.samples import FULL, MaskSample
from motion_seg_ros.masks.fusion.channels import (
    BELIEF,
    MASK_CHANNELS,
    NAMES,
    RESIDUAL_X,
)

TRACKS = NAMES.index("tracks")
FOLLOWING = ("tracks", "belief", "total")  # what labels decide


def test_crops_keep_the_truth_under_its_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is cut and mirrored, a channel that holds the truth still does."""
    monkeypatch.setattr(batches, "MISLABELLED", 0)
    monkeypatch.setattr(batches, "_augment", lambda rng, crop: None)
    monkeypatch.setattr(batches, "ENLARGED", 0)
    rng = np.random.default_rng(0)
    size = (130, 90)
    moving = rng.integers(0, 2, size).astype(np.uint8) * FULL
    labelled = rng.integers(0, 2, size).astype(np.uint8) * FULL
    channels = np.zeros((MASK_CHANNELS, *size), np.float16)
    channels[BELIEF], channels[TELLING] = moving / FULL, labelled / FULL
    channels[RESIDUAL_X] = 1
    batch = random_batch(rng, [MaskSample(channels, moving, labelled)], 16)
    assert batch.channels.shape == (16, MASK_CHANNELS, *CROP)
    torch.testing.assert_close(batch.channels[:, BELIEF], batch.moving)
    torch.testing.assert_close(batch.channels[:, TELLING], batch.weight)
    assert not batch.weight[..., size[1] :].any()
    signs = batch.channels[:, RESIDUAL_X, 0, 0]
    assert set(signs.tolist()) == {1.0, -1.0}


def test_enlarged_crops_keep_the_truth_under_its_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disc grows with its residuals."""
    monkeypatch.setattr(batches, "MISLABELLED", 0)
    monkeypatch.setattr(batches, "_augment", lambda rng, crop: None)
    monkeypatch.setattr(batches, "ENLARGED", 1)
    rng = np.random.default_rng(2)
    sample = disc_sample(rng, CROP)
    sample.channels[BELIEF] = sample.moving / FULL
    sample.channels[RESIDUAL_X] = np.arcsinh(4.0)
    batch = random_batch(rng, [sample], 64)
    assert batch.weight.all()
    torch.testing.assert_close(batch.channels[:, BELIEF], batch.moving, atol=1e-3, rtol=0)
    residuals = np.sinh(np.abs(batch.channels[:, RESIDUAL_X].numpy()))
    np.testing.assert_allclose(residuals.min((1, 2)), residuals.max((1, 2)), rtol=1e-3)
    scales = residuals[:, 0, 0] / 4
    assert 1 <= scales.min() < 1.2
    assert 1.8 < scales.max() <= batches.LARGEST * 1.01
    whole = batch.moving.numpy().sum((1, 2)) / (sample.moving / FULL).sum()
    np.testing.assert_allclose(np.sqrt(whole.max()), scales[whole.argmax()], rtol=0.1)


def test_changes_leave_the_belief_and_its_place_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MISLABELLED", 0)
    monkeypatch.setattr(batches, "ENLARGED", 0)
    rng = np.random.default_rng(1)
    samples = [disc_sample(rng, CROP)]
    plain = samples[0].channels.astype(np.float32)
    batch = random_batch(rng, samples, 64).channels.numpy()
    mirrored = plain[BELIEF][:, ::-1]
    for each in batch[:, BELIEF]:
        assert (each == plain[BELIEF]).all() or (each == mirrored).all()


@pytest.mark.parametrize("kind", ["missed", "silent", "invented"])
def test_wrong_labels_reach_what_follows_from_them_and_nothing_else(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disc that moves, labelled so: it is missed, or no label is left, or an ellipse of the
    static world is said to move."""
    monkeypatch.setattr(batches, "ENLARGED", 0)
    monkeypatch.setattr(batches, "MISLABELLED", 1)
    monkeypatch.setattr(batches, "MISTAKES", {kind: 1.0})
    monkeypatch.setattr(batches, "_augment", lambda rng, crop: None)
    rng = np.random.default_rng(3)
    sample = disc_sample(rng, CROP)
    moves = sample.moving == FULL
    labels = np.where(moves, 4.0, -4.0)
    sample.channels[:] = 1
    sample.channels[TRACKS], sample.channels[BELIEF] = labels, labels / 2
    batch = random_batch(rng, [sample], 64)
    found, truth = batch.channels.numpy(), batch.moving.numpy() == 1
    still = batch.moving.numpy() == 0
    tracks = found[:, TRACKS]
    if kind == "missed":  # or what lies beyond a line
        missed = np.array(
            [(each[disc] < 0).mean() for each, disc in zip(tracks, truth, strict=True)]
        )
        assert 0.6 < (missed == 1).mean() < 1
        assert (tracks[still] < 0).all()
    elif kind == "silent":
        assert np.abs(tracks).max() <= 0.3 * 4.001
    else:
        assert (tracks[truth] > 0).all()
        assert 0.1 < ((tracks > 0) & still).any((1, 2)).mean() <= 1
    change = tracks - np.where(truth, 4.0, -4.0)
    known = truth | still
    belief = np.clip(np.where(truth, 2.0, -2.0) + change, -4.6, 4.6)
    np.testing.assert_allclose(found[:, BELIEF][known], belief[known], atol=1e-2)
    untouched = [each for each in range(MASK_CHANNELS) if NAMES[each] not in FOLLOWING]
    others = found[:, untouched]
    x = untouched.index(RESIDUAL_X)
    others[:, x] = np.abs(others[:, x])  # mirrored
    assert (others == 1).all()
