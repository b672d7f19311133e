"""Augmentations: each changes what it should, and leaves the truth true."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from rigid_scenes import RigidScene, forward_drive, hand_held
from training_windows import pan_sample, rigid_sample, without_truth

from motion_seg_ros.lab.training.augmentation import augment
from motion_seg_ros.lab.training.config import AugmentationConfig
from motion_seg_ros.labelling.geometry_channels import SIDEWAYS
from motion_seg_ros.labelling.network.tokens import TrackBatch, collate
from motion_seg_ros.types import FloatArray

NOTHING = AugmentationConfig(
    flip=0.0,
    track_dropout=0.0,
    jitter_px=0.0,
    confidence_noise=0.0,
    spread_noise=0.0,
)


def batch_of(windows: int = 6) -> TrackBatch:
    return collate(
        without_truth([pan_sample(seed, tracks=200 - 5 * seed) for seed in range(windows)])
    )


def changed(batch: TrackBatch, **settings: float) -> TrackBatch:
    config = dataclasses.replace(NOTHING, **settings)
    return augment(batch, config, np.random.default_rng(7))


def same(one: FloatArray, other: FloatArray) -> bool:
    """Equal to the bit, NaN included."""
    return np.array_equal(one, other, equal_nan=one.dtype != bool)


def test_nothing_asked_nothing_changed() -> None:
    batch = batch_of()
    found = changed(batch)
    for each in dataclasses.fields(TrackBatch):
        one, other = getattr(batch, each.name), getattr(found, each.name)
        assert (one is None and other is None) or same(one, other), each.name


def test_equal_generators_give_equal_batches_and_the_input_stays() -> None:
    batch, again = batch_of(), batch_of()
    one, other = (augment(batch, AugmentationConfig(), np.random.default_rng(3)) for _ in range(2))
    for each in dataclasses.fields(TrackBatch):
        if getattr(one, each.name) is not None:
            assert same(getattr(one, each.name), getattr(other, each.name))
            assert same(getattr(batch, each.name), getattr(again, each.name))


@pytest.mark.parametrize("make", [forward_drive, hand_held])
def test_a_flipped_window_has_the_geometry_of_its_mirror_image(
    make: Callable[..., RigidScene],
) -> None:
    # So few tracks that all take part in the fits; with seed 0 the random samples that the fits
    # start from matter more.
    sample = rigid_sample(make(1, static=300))
    width = sample.size[1]
    batch = collate(without_truth([sample]))
    found = changed(batch, flip=1.0)
    mirrored = sample.xy_px * np.float32([-1, 1]) + np.float32([width - 1, 0])
    assert np.allclose(found.xy_px[0], mirrored, atol=1e-4)
    (expected,) = without_truth([dataclasses.replace(sample, xy_px=mirrored)])
    assert found.geometry is not None
    assert batch.geometry is not None
    assert expected.geometry is not None
    difference = np.abs(found.geometry[0] - expected.geometry)
    assert np.median(difference[difference > 0]) < 0.01
    assert np.percentile(difference, 98) < 0.1
    as_before = np.abs(batch.geometry[0] - expected.geometry)
    sideways = np.isin(np.arange(difference.shape[1]), SIDEWAYS)
    for channel in SIDEWAYS[:4]:  # there is something to mirror
        assert np.mean(as_before[:, channel]) > 5 * np.mean(difference[:, channel])
    np.testing.assert_array_equal(as_before[:, ~sideways], difference[:, ~sideways])


def test_as_many_windows_are_flipped_as_asked() -> None:
    batch = collate(without_truth([pan_sample(seed, tracks=2) for seed in range(1000)]))
    flipped = (changed(batch, flip=0.3).xy_px != batch.xy_px).any(axis=(1, 2, 3))
    assert flipped.mean() == pytest.approx(0.3, abs=0.06)


def test_dropped_tracks_are_gone_as_padding_is() -> None:
    batch = batch_of(30)
    found = changed(batch, track_dropout=0.5)
    gone = batch.present & ~found.present
    assert 0.15 < float(gone.sum() / batch.present.sum()) < 0.35  # half of 0.5, on average
    assert not found.visible.swapaxes(1, 2)[gone].any()
    assert not (found.present & ~batch.present).any()


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
