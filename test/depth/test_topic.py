"""Depth from the camera's own topic, as inverse depth of the frames of a window."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.depth.topic import TopicDepth
from motion_seg_ros.types import FloatArray, Frame
from motion_seg_ros.window import SlidingWindow, Window

HEIGHT, WIDTH = 480, 640


def stream(*depths_m: FloatArray | None) -> list[Window]:
    sliding = SlidingWindow(4, 1.0, 0.0)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    return [sliding.push(Frame(image, index, each)) for index, each in enumerate(depths_m)]


def flat(depth_m: float) -> FloatArray:
    return np.full((HEIGHT, WIDTH), depth_m, np.float32)


def test_each_frame_of_the_window_has_its_own_inverse_depth() -> None:
    depth = TopicDepth()
    for window in stream(flat(1), flat(2), flat(4), flat(5), flat(8)):
        found = depth.inverse_depth(window)
    np.testing.assert_allclose([each.mean() for each in found], [1 / 2, 1 / 4, 1 / 5, 1 / 8], 1e-6)
    assert {each.shape for each in found} == {(240, 320)}
    assert {each.dtype for each in found} == {np.dtype(np.float32)}


def test_a_frame_is_looked_at_once_also_where_windows_are_skipped() -> None:
    windows, depth = stream(*(flat(index + 1) for index in range(8))), TopicDepth()
    before = depth.inverse_depth(windows[4])
    after = depth.inverse_depth(windows[6])
    np.testing.assert_allclose([each[0, 0] for each in after], 1 / np.arange(4, 8), rtol=1e-6)
    assert [a is b for a, b in zip(before[2:], after, strict=False)] == [True, True]
    depth.reset()
    assert not any(a is b for a, b in zip(depth.inverse_depth(windows[6]), after, strict=True))


@pytest.mark.parametrize("unknown", [np.nan, 0.0, -1.0])
def test_unknown_depth_is_nan(unknown: float) -> None:
    holes = flat(2)
    holes[:, : WIDTH // 2] = unknown
    *_, window = stream(None, holes)
    missing, found = TopicDepth().inverse_depth(window)
    assert np.isnan(missing).all()
    assert np.isnan(found[:, :150]).all()
    np.testing.assert_allclose(found[:, 170:], 0.5)


def test_infinitely_far_is_0() -> None:
    (window,) = stream(flat(np.inf))
    assert not TopicDepth().inverse_depth(window)[0].any()


def test_large_images_give_maps_of_bounded_size() -> None:
    image = np.zeros((1080, 1920, 3), np.uint8)
    depth_m = np.ones((1080, 1920), np.float32)
    window = SlidingWindow(2, 1.0, 0.0).push(Frame(image, 0, depth_m))
    assert TopicDepth().inverse_depth(window)[0].shape == (240, 427)
