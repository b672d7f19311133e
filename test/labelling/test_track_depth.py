"""Depth at tracks: looked up where and when they were, and brought to 0 near and 1 far."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.labelling.track_depth import TrackDepth
from motion_seg_ros.types import BoolArray, FloatArray, Frame
from motion_seg_ros.window import SlidingWindow, Window

HEIGHT, WIDTH = 120, 200
X, Y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))


def stream(count: int, size: int = 4) -> list[Window]:
    sliding = SlidingWindow(size, 1.0)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    return [sliding.push(Frame(image, index)) for index in range(count)]


def ramp(slope: float) -> FloatArray:
    """Depth whose inverse grows linearly to the right."""
    return np.asarray(1 / (1 + slope * X), np.float32)


def points(count: int) -> FloatArray:
    """(N, 2) inside the image."""
    rng = np.random.default_rng(0)
    return rng.uniform((5, 5), (WIDTH - 6, HEIGHT - 6), (count, 2)).astype(np.float32)


def expected(inverse: FloatArray, visible: BoolArray) -> FloatArray:
    """By hand, from the inverse depth that is known at each track."""
    low, high = np.percentile(inverse[visible], (1, 99))
    return np.asarray(np.where(visible, 1 - np.clip((inverse - low) / (high - low), 0, 1), np.nan))


def test_each_frame_counts_with_its_own_depth_at_its_own_positions() -> None:
    windows, depth = stream(6), TrackDepth()
    slopes = [0.01 * (index + 1) for index in range(6)]
    for window, slope in zip(windows, slopes, strict=True):
        depth.see(window, ramp(slope))
    xy = np.stack([points(50) + np.float32([shift, 0]) for shift in range(4)])
    visible = np.random.default_rng(1).random((4, 50)) < 0.8
    inverse = np.stack([1 + slope * at[:, 0] for slope, at in zip(slopes[2:], xy, strict=True)])
    found = depth.at(windows[-1], xy, visible)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected(inverse, visible), atol=1e-3)


def test_the_nearest_is_0_and_the_farthest_1_in_any_unit() -> None:
    (window,), xy = stream(1), np.stack([points(300)])
    visible = np.ones((1, 300), bool)
    said = []
    for unit in (1.0, 1000.0):
        depth = TrackDepth()
        depth.see(window, ramp(0.05) * np.float32(unit))
        said.append(depth.at(window, xy, visible)[0])
    np.testing.assert_allclose(said[0], said[1], atol=1e-4)
    order = np.argsort(-xy[0, :, 0])  # near, where inverse depth is large, to far
    assert (np.diff(said[0][order]) >= 0).all()
    assert (said[0].min(), said[0].max()) == (0, 1)


@pytest.mark.parametrize("unknown", [np.nan, 0.0, -1.0])
def test_where_depth_is_unknown(unknown: float) -> None:
    windows, depth = stream(3), TrackDepth()
    holes = ramp(0.01)
    holes[:, : WIDTH // 2] = unknown
    depth.see(windows[0], holes)
    depth.see(windows[1], None)
    depth.see(windows[2], holes)
    xy = np.stack([np.float32([[20, 20], [150, 60], [180, 60]])] * 3)
    found = depth.at(windows[2], xy, np.ones((3, 3), bool))
    np.testing.assert_array_equal(
        np.isfinite(found), [[False, True, True], [False] * 3, [False, True, True]]
    )


def test_infinitely_far_is_farthest() -> None:
    (window,), depth = stream(1), TrackDepth()
    sky = ramp(0.01)
    sky[: HEIGHT // 2] = np.inf
    depth.see(window, sky)
    xy = np.float32([[[20, 20], [20, 100], [180, 100]]])
    far, middle, near = depth.at(window, xy, np.ones((1, 3), bool))[0]
    assert far == 1
    assert near == 0
    assert near < middle < far


def test_nothing_known_at_all() -> None:
    windows, depth = stream(2), TrackDepth()
    xy, visible = np.stack([points(3)] * 2), np.ones((2, 3), bool)
    assert np.isnan(depth.at(windows[1], xy, visible)).all()
    assert depth.at(windows[1], xy[:, :0], visible[:, :0]).shape == (2, 0)
    depth.see(windows[0], ramp(0.01))
    depth.see(windows[1], ramp(0.01))
    assert np.isnan(depth.at(windows[1], xy, ~visible)).all()
    depth.clear()
    assert np.isnan(depth.at(windows[1], xy, visible)).all()


def test_a_flat_scene_is_of_one_depth() -> None:
    (window,), depth = stream(1), TrackDepth()
    depth.see(window, np.full((HEIGHT, WIDTH), 3, np.float32))
    found = depth.at(window, points(5)[None], np.ones((1, 5), bool))
    assert np.unique(found).size == 1
    assert np.isfinite(found).all()


class RampSource:
    """The disparity of each frame, at another size than the image's."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def disparities(self, window: Window) -> FloatArray:
        self.asked.append(window.newest_index)
        x = (np.arange(2 * WIDTH) + 0.5) / 2 - 0.5
        first = window.first_index
        rows = [1 + 0.01 * (index + 1) * x for index in range(first, first + len(window))]
        return np.asarray([np.tile(row, (20, 1)) for row in rows], np.float32)


def test_with_a_source_no_frame_is_unknown_where_windows_are_skipped() -> None:
    windows, source = stream(8), RampSource()
    skipping, each = TrackDepth(source), TrackDepth()
    for window in windows:
        each.see(window, ramp(0.01 * (window.newest_index + 1)))
    for window in (windows[2], windows[7], windows[7]):
        skipping.see(window, None)
    assert source.asked == [2, 7], "only for what is not known yet"
    xy = np.stack([points(50)] * 4)
    visible = np.ones((4, 50), bool)
    found = skipping.at(windows[7], xy, visible)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, each.at(windows[7], xy, visible), atol=2e-3)
