"""Augmentations: each changes what it should, and leaves the truth true."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from training_windows import FRAMES, pan_sample, without_truth

from motion_seg_ros.lab.training.augmentation import augment
from motion_seg_ros.lab.training.config import AugmentationConfig
from motion_seg_ros.labelling.camera_residuals import (
    CHANNELS_PER_GAP,
    GAPS,
    GEOMETRY_CHANNELS,
    camera_residuals,
)
from motion_seg_ros.labelling.network.tokens import TrackBatch, collate
from motion_seg_ros.types import FloatArray, Tracks

NOTHING = AugmentationConfig(
    flip=0.0,
    track_dropout=0.0,
    history_dropout=0.0,
    track_history_dropout=0.0,
    jitter_px=0.0,
    confidence_noise=0.0,
)


def batch_of(windows: int = 6) -> TrackBatch:
    return collate(
        without_truth([pan_sample(seed, tracks=200 - 5 * seed) for seed in range(windows)])
    )


def changed(batch: TrackBatch, **settings: float) -> TrackBatch:
    config = dataclasses.replace(NOTHING, **settings)
    return augment(batch, config, torch.Generator().manual_seed(7))


def residuals_of(xy_px: FloatArray, visible: np.ndarray, size: tuple[int, int]) -> FloatArray:
    count = visible.shape[1]
    confidence = visible.astype(np.float32)
    first = np.zeros(count, np.int64)
    tracks = Tracks(np.arange(count, dtype=np.int64), xy_px, visible, confidence, first)
    return camera_residuals(tracks, size)


def test_nothing_asked_nothing_changed() -> None:
    batch = batch_of()
    found = changed(batch)
    for each in dataclasses.fields(TrackBatch):
        one, other = getattr(batch, each.name), getattr(found, each.name)
        assert (one is None and other is None) or torch.equal(one, other), each.name


def test_equal_generators_give_equal_batches_and_the_input_stays() -> None:
    batch, same = batch_of(), batch_of()
    one, other = (
        augment(batch, AugmentationConfig(), torch.Generator().manual_seed(3)) for _ in range(2)
    )
    for each in dataclasses.fields(TrackBatch):
        if getattr(one, each.name) is not None:
            assert torch.equal(getattr(one, each.name), getattr(other, each.name))
            assert torch.equal(getattr(batch, each.name), getattr(same, each.name))


def test_a_flipped_window_has_the_residuals_of_its_mirror_image() -> None:
    sample = pan_sample(0, tracks=300)
    width = sample.size[1]
    geometry = residuals_of(sample.xy_px, sample.visible, sample.size)
    batch = collate(without_truth([sample]))
    found = changed(batch, flip=1.0)
    mirrored = sample.xy_px * np.float32([-1, 1]) + np.float32([width - 1, 0])
    assert np.allclose(found.xy_px[0].numpy(), mirrored, atol=1e-4)
    expected = residuals_of(mirrored, sample.visible, sample.size)
    assert found.geometry is not None
    assert np.abs(geometry).max() > 0.5  # there is something to mirror
    difference = np.abs(found.geometry[0].numpy() - expected)
    # Beside the fitted camera, which rounding changes a little.
    assert np.percentile(difference, 99) < 0.05


def test_as_many_windows_are_flipped_as_asked() -> None:
    batch = collate(without_truth([pan_sample(seed, tracks=2) for seed in range(1000)]))
    flipped = (changed(batch, flip=0.3).xy_px != batch.xy_px).flatten(1).any(dim=1)
    assert float(flipped.float().mean()) == pytest.approx(0.3, abs=0.06)


def test_dropped_tracks_are_gone_as_padding_is() -> None:
    batch = batch_of(30)
    found = changed(batch, track_dropout=0.5)
    gone = batch.present & ~found.present
    assert 0.15 < float(gone.sum() / batch.present.sum()) < 0.35  # half of 0.5, on average
    assert not found.visible.transpose(1, 2)[gone].any()
    assert not (found.present & ~batch.present).any()


@pytest.mark.parametrize("setting", ["history_dropout", "track_history_dropout"])
def test_a_shorter_history_has_the_residuals_of_a_shorter_history(setting: str) -> None:
    """Ones for every gap a track spans: after the drop, ones for every gap it still spans."""
    batch = batch_of(20)
    steady = dataclasses.replace(
        batch,
        present=torch.ones_like(batch.present),
        visible=torch.ones_like(batch.visible),
        geometry=torch.ones(*batch.present.shape, GEOMETRY_CHANNELS),
    )
    found = changed(steady, **{setting: 1.0})
    assert found.visible[:, -3:].all()
    first = found.visible.int().argmax(dim=1)  # (B, N)
    assert int(first.max()) <= FRAMES - 3
    assert len(first.unique()) > 5
    if setting == "history_dropout":
        assert (first == first[:, :1]).all()
    assert found.geometry is not None
    spans = torch.stack([first <= FRAMES - 1 - gap for gap in GAPS], dim=-1)
    expected = spans[..., None].expand(*spans.shape, CHANNELS_PER_GAP).flatten(2).float()
    assert torch.equal(found.geometry, expected)
    assert not found.confidence[~found.visible].any()


def test_noise_is_as_large_as_asked_in_pixels_of_a_common_size() -> None:
    small, large = (pan_sample(0, tracks=500, size=size) for size in ((240, 427), (480, 854)))
    for sample, expected in ((small, 0.5), (large, 1.0)):
        batch = collate(without_truth([sample]))
        found = changed(batch, jitter_px=0.5)
        assert float((found.xy_px - batch.xy_px).std()) == pytest.approx(expected, rel=0.05)


def test_confidence_stays_a_confidence() -> None:
    batch = batch_of()
    found = changed(batch, confidence_noise=0.3)
    assert float(found.confidence.min()) == 0
    assert float(found.confidence.max()) == 1
    assert not found.confidence[~found.visible].any()
