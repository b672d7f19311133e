"""Clean samples: exact tracks with errors as drawn, and the truth of their scene."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motion_seg_ros.camera import Camera
from motion_seg_ros.lab.training.simulation import clean
from motion_seg_ros.lab.training.simulation.clean import SIZES, TrackErrors, clean_samples

EXACT = TrackErrors(
    noise_px=0.0,
    walk_px=0.0,
    spread=0.0,
    lost=0.0,
    whole_lives=1.0,
    finds_again=False,
    missed=0.0,
    tells=False,
)


def samples(monkeypatch, seed, kind, **errors):
    """Samples of a scene by a tracker with only the errors named."""
    only = dataclasses.replace(EXACT, **errors)
    monkeypatch.setattr(TrackErrors, "drawn", lambda rng: only)
    return clean_samples(seed, kind=kind, windows_per_clip=2)


def full(found):
    """The first sample that is as long as its window."""
    return next(each for each in found if each.visible[0].any())


def off_px(exact, noisy):
    """Errors of positions that both trackers found, in reference pixels, (M, 2)."""
    both = exact.visible & noisy.visible
    return (noisy.xy_px - exact.xy_px)[both] * 854 / max(exact.size)


def test_samples_are_as_documented():
    found = [each for seed in range(5) for each in clean_samples(seed, windows_per_clip=2)]
    assert len(found) >= 5
    for each in found:
        count = len(each)
        assert 100 < count <= 900
        assert each.size in SIZES
        assert each.xy_px.shape == (16, count, 2)
        assert each.xy_px.dtype == each.confidence.dtype == each.depth.dtype == np.float32
        assert np.isfinite(each.xy_px).all()
        assert each.visible[-1].all()
        assert (each.confidence[~each.visible] == 0).all()
        assert (each.confidence[each.visible] > 0).all()
        assert not np.isfinite(each.depth[~each.visible]).any()
        assert each.tags[-1] == "clean"
        assert each.moving.mean() <= 0.65


def test_the_same_seed_gives_the_same_bits():
    for one, other in zip(clean_samples(3), clean_samples(3), strict=True):
        np.testing.assert_array_equal(one.xy_px, other.xy_px)
        np.testing.assert_array_equal(one.depth, other.depth)
        assert one.tags == other.tags


def test_without_errors_static_points_are_where_a_rigid_camera_sees_them(monkeypatch):
    """A panning camera's static tracks follow the rotation between its views, its K alone."""
    checked = 0
    for seed in range(6):
        for each in samples(monkeypatch, seed, "pan"):
            camera = Camera(each.size, each.matrix)
            first = int(each.visible.any(axis=1).argmax())
            both = each.visible[first] & ~each.moving & each.labelled
            if first == 15 or both.sum() < 30:
                continue
            rays = [
                np.c_[camera.normalised(each.xy_px[t, both]), np.ones(both.sum())]
                for t in (first, -1)
            ]
            a, b = (ray / np.linalg.norm(ray, axis=1, keepdims=True) for ray in rays)
            u, _, v = np.linalg.svd(a.T @ b)
            turn = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
            off = np.linalg.norm(a - b @ turn.T, axis=1) * camera.focal_px
            # A trembling hand shifts the camera a little, too.
            assert np.median(off) < 2.0
            checked += 1
    assert checked >= 4


def test_noise_is_as_large_as_drawn(monkeypatch):
    for exact, noisy in zip(
        samples(monkeypatch, 1, "pan"), samples(monkeypatch, 1, "pan", noise_px=0.5), strict=True
    ):
        off = off_px(exact, noisy)
        assert off.std() == pytest.approx(0.5, rel=0.05)
        assert abs(off.mean()) < 0.05


def test_a_random_walk_grows_with_a_tracks_age(monkeypatch):
    exact = full(samples(monkeypatch, 1, "still"))
    walking = full(samples(monkeypatch, 1, "still", walk_px=0.3))
    off = (walking.xy_px - exact.xy_px) * 854 / max(exact.size)
    old = exact.visible[0]
    assert off[0, old].std() < 1e-3
    for age in (4, 15):
        assert off[age, old].std() == pytest.approx(0.3 * np.sqrt(age), rel=0.15)


def test_lost_tracks_are_as_many_as_drawn(monkeypatch):
    exact, lost = (samples(monkeypatch, 1, "still", **errors)[0] for errors in ({}, {"lost": 0.2}))
    off = np.linalg.norm((lost.xy_px - exact.xy_px)[-1], axis=1)
    assert 0.1 < (off > 0.1).mean() < 0.25


def test_lives_are_short_for_some_tracks_and_whole_for_others(monkeypatch):
    short = full(samples(monkeypatch, 1, "still", whole_lives=0.0))
    whole = full(samples(monkeypatch, 1, "still"))
    in_sight = whole.visible.sum(axis=0)  # hidden before, or since the window's beginning
    lives = short.visible.sum(axis=0)
    assert (lives >= np.minimum(5, in_sight)).all()
    assert (lives <= in_sight).all()
    assert np.ptp(lives) > 8
    assert (in_sight == 16).mean() > 0.5


def test_tracks_that_were_hidden_are_found_again_only_by_trackers_that_can():
    rng = np.random.default_rng(0)
    seen = np.ones((16, 2), bool)
    seen[4:7, 0] = False
    once = clean._found(rng, seen, EXACT)
    assert once[:, 0].tolist() == [False] * 7 + [True] * 9
    assert once[:, 1].all()
    again = clean._found(rng, seen, dataclasses.replace(EXACT, finds_again=True))
    np.testing.assert_array_equal(again, seen)
