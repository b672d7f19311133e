"""Depth at tracks: looked up where and when they were, and brought to 0 near and 1 far."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.labelling.track_depth import track_depth
from motion_seg_ros.types import BoolArray, FloatArray

HEIGHT, WIDTH = SIZE = 120, 200


def ramp(slope: float, scale: float = 1.0) -> FloatArray:
    """Inverse depth that grows linearly to the right; `scale` is the size of its pixels."""
    x = (np.arange(round(WIDTH / scale)) + 0.5) * scale - 0.5
    return np.tile(1 + slope * x, (round(HEIGHT / scale), 1)).astype(np.float32)


def points(count: int) -> FloatArray:
    """(N, 2) inside the image."""
    rng = np.random.default_rng(0)
    return rng.uniform((5, 5), (WIDTH - 6, HEIGHT - 6), (count, 2)).astype(np.float32)


def expected(inverse: FloatArray, visible: BoolArray) -> FloatArray:
    """By hand, from the inverse depth that is known at each track."""
    low, high = np.percentile(inverse[visible], (1, 99))
    return np.asarray(np.where(visible, 1 - np.clip((inverse - low) / (high - low), 0, 1), np.nan))


def test_each_frame_counts_with_its_own_depth_at_its_own_positions() -> None:
    slopes = [0.03, 0.04, 0.05, 0.06]
    xy = np.stack([points(50) + np.float32([shift, 0]) for shift in range(4)])
    visible = np.random.default_rng(1).random((4, 50)) < 0.8
    inverse = np.stack([1 + slope * at[:, 0] for slope, at in zip(slopes, xy, strict=True)])
    for scale in (0.5, 1, 2):
        found = track_depth([ramp(slope, scale) for slope in slopes], SIZE, xy, visible)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected(inverse, visible), atol=2e-3)


def test_the_nearest_is_0_and_the_farthest_1_in_any_unit() -> None:
    xy, visible = np.stack([points(300)]), np.ones((1, 300), bool)
    said = [
        track_depth([ramp(0.05) / np.float32(unit)], SIZE, xy, visible)[0] for unit in (1, 1000)
    ]
    np.testing.assert_allclose(said[0], said[1], atol=1e-4)
    order = np.argsort(-xy[0, :, 0])  # near, where inverse depth is large, to far
    assert (np.diff(said[0][order]) >= 0).all()
    assert (said[0].min(), said[0].max()) == (0, 1)


def test_where_depth_is_unknown() -> None:
    holes = ramp(0.01)
    holes[:, : WIDTH // 2] = np.nan
    xy = np.stack([np.float32([[20, 20], [150, 60], [180, 60]])] * 3)
    nothing = np.full(SIZE, np.nan, np.float32)
    found = track_depth([holes, nothing, holes], SIZE, xy, np.ones((3, 3), bool))
    np.testing.assert_array_equal(
        np.isfinite(found), [[False, True, True], [False] * 3, [False, True, True]]
    )


def test_infinitely_far_is_farthest() -> None:
    sky = ramp(0.01)
    sky[: HEIGHT // 2] = 0
    xy = np.float32([[[20, 20], [20, 100], [180, 100]]])
    far, middle, near = track_depth([sky], SIZE, xy, np.ones((1, 3), bool))[0]
    assert far == 1
    assert near == 0
    assert near < middle < far


def test_nothing_known_at_all() -> None:
    nothing, known = [np.full(SIZE, np.nan, np.float32)] * 2, [ramp(0.01)] * 2
    xy, visible = np.stack([points(3)] * 2), np.ones((2, 3), bool)
    assert np.isnan(track_depth(nothing, SIZE, xy, visible)).all()
    assert track_depth(known, SIZE, xy[:, :0], visible[:, :0]).shape == (2, 0)
    assert np.isnan(track_depth(known, SIZE, xy, ~visible)).all()


def test_a_flat_scene_is_of_one_depth() -> None:
    found = track_depth([ramp(0)], SIZE, points(5)[None], np.ones((1, 5), bool))
    assert np.unique(found).size == 1
    assert np.isfinite(found).all()
