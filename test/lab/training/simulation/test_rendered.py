"""Samples of rendered clips: what the tracker saw, with the truth, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.lab.track_samples import read_samples, write_samples
from motion_seg_ros.lab.training.simulation.clips import random_clip
from motion_seg_ros.lab.training.simulation.rendered import rendered_clip, rendered_samples
from motion_seg_ros.lab.training.simulation.scene_kinds import KINDS

SEED = 5  # of a scene with movers


@pytest.fixture(scope="module")
def samples():
    return rendered_samples(SEED, windows_per_clip=3)


def test_samples_are_as_documented(samples):
    assert 1 <= len(samples) <= 3
    for each in samples:
        count = len(each)
        assert 50 < count <= 900
        assert each.xy_px.shape == (16, count, 2)
        assert each.xy_px.dtype == np.float32
        assert each.visible.shape == each.confidence.shape == (16, count)
        assert each.visible.dtype == each.moving.dtype == each.labelled.dtype == bool
        assert each.visible[-1].all()
        assert (each.confidence[~each.visible] == 0).all()
        height, width = each.size
        newest = each.xy_px[-1]
        assert (newest >= -0.5).all()
        assert (newest <= np.array([width, height]) - 0.5).all()
        assert each.depth.shape == (16, count)
        assert not np.isfinite(each.depth[~each.visible]).any()
        assert np.nanmin(each.depth) > 0
        assert each.tags[0] in KINDS
        assert "nothing_moves" not in each.tags


def test_the_same_seed_gives_the_same_bits(samples):
    for one, other in zip(samples, rendered_samples(SEED, windows_per_clip=3), strict=True):
        np.testing.assert_array_equal(one.xy_px, other.xy_px)
        np.testing.assert_array_equal(one.depth, other.depth)
        assert one.tags == other.tags


def test_samples_survive_their_file(samples, tmp_path):
    write_samples(tmp_path / "shard.npz", samples)
    back = read_samples(tmp_path / "shard.npz")
    np.testing.assert_allclose(back[-1].depth, samples[-1].depth, rtol=1e-3)
    assert back[-1].tags == samples[-1].tags


def test_intrinsics_are_those_of_the_newest_frame_in_the_tracks_pixels():
    """An image twice as large has twice the focal length, and its own middle."""
    (each,) = rendered_samples(2, kind="zoom", windows_per_clip=1, frames=16)
    scene = random_clip(np.random.default_rng([2, 40410]), 2, "zoom", 16).sampled.scene
    focal = [2 * scene.camera.matrix(scene.time_s(i))[0, 0] for i in range(scene.frames)]
    height, width = each.size
    np.testing.assert_allclose(each.matrix[:2, 2], [(width - 1) / 2, (height - 1) / 2])
    assert np.ptp(focal) > 1
    assert each.matrix[0, 0] == each.matrix[1, 1]
    assert np.abs(np.array(focal) - each.matrix[0, 0]).min() < 1e-6


def test_short_windows_are_padded_in_front_as_unseen():
    found = []
    for seed in range(30, 40):
        found += rendered_samples(seed, frames=16, windows_per_clip=2)
        short = [each for each in found if not each.visible[0].any()]
        if short:
            break
    first = int(short[0].visible.any(axis=1).argmax())
    assert 1 <= first <= 13
    assert (short[0].xy_px[:first] == short[0].xy_px[first]).all()
    assert np.isnan(short[0].depth[:first]).all()


def test_no_more_tracks_than_asked_for_and_movers_kept_among_them():
    few = rendered_samples(SEED, windows_per_clip=2, max_tracks=100)
    many = rendered_samples(SEED, windows_per_clip=2, max_tracks=10_000)
    for small, all_of_them in zip(few, many, strict=True):
        assert len(small) == 100
        assert len(all_of_them) > 400
        expected = min(20, int(all_of_them.moving.sum()))
        assert small.moving.sum() >= expected


def test_the_labels_are_those_of_the_clips_masks():
    clip = rendered_clip(SEED)
    samples = rendered_samples(SEED, max_tracks=10_000)
    agreeing = total = 0
    for each in samples:
        height, width = each.size
        xy = np.rint((each.xy_px[-1] - 0.5) / 2).astype(int)
        x, y = np.clip(xy[:, 0], 0, width // 2 - 1), np.clip(xy[:, 1], 0, height // 2 - 1)
        best = max(
            ((frame.moving[y, x] == each.moving).mean(), index) for index, frame in enumerate(clip)
        )
        agreeing += best[0] * len(each)
        total += len(each)
    assert agreeing / total > 0.97


def test_some_frames_of_a_clip_are_those_of_the_whole():
    whole, some = rendered_clip(SEED, frames=6), rendered_clip(SEED, frames=6, shown=(1, 4))
    assert len(some) == 2
    for one, other in zip(some, (whole[1], whole[4]), strict=True):
        np.testing.assert_array_equal(one.image_bgr, other.image_bgr)
        np.testing.assert_array_equal(one.moving, other.moving)


def test_a_clip_shows_its_movers():
    clip = rendered_clip(SEED, frames=8)
    assert len(clip) == 8
    for frame in clip:
        assert frame.image_bgr.dtype == np.uint8
        assert frame.image_bgr.shape[:2] == frame.moving.shape == frame.instances.shape
        assert not (frame.moving & (frame.instances == 0)).any()
        assert not (frame.moving & ~frame.labelled).any()
    assert any(frame.moving.any() for frame in clip)
    # In its first frame nothing has had time to move.
    assert not clip[0].moving.any()
