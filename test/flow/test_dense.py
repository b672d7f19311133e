"""Look-ups against closed forms, and flow of known shifts."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.flow.lookup import pixel_grid, remap, resized, sample, warp
from motion_seg_ros.types import Frame
from motion_seg_ros.window import SlidingWindow, Window


def test_coordinates_survive_resizing_there_and_back() -> None:
    xy = np.array([[0, 0], [853, 479], [12.25, 400.5]], np.float32)
    small = resized(xy, (480, 854), (240, 427))
    np.testing.assert_allclose(resized(small, (240, 427), (480, 854)), xy, atol=1e-4)
    # The centre of the image stays the centre, whatever its parity.
    np.testing.assert_allclose(
        resized(np.array([426.5, 239.5], np.float32), (480, 854), (240, 427)), [213.0, 119.5]
    )


def test_samples_of_a_linear_ramp_are_exact() -> None:
    grid = pixel_grid((40, 50))
    ramp = 2 * grid[..., 0] - 3 * grid[..., 1]
    rng = np.random.default_rng(1)
    xy = rng.uniform(0, [49, 39], (500, 2)).astype(np.float32)
    np.testing.assert_allclose(sample(ramp, xy), 2 * xy[:, 0] - 3 * xy[:, 1], atol=0.1)
    np.testing.assert_allclose(sample(grid, xy), xy, atol=0.05)
    assert sample(grid, np.zeros((0, 2), np.float32)).shape == (0, 2)


@pytest.mark.parametrize("outside", [None, -0.5])
def test_warp_beyond_the_border(outside: float | None) -> None:
    field = np.full((30, 40), 7.0, np.float32)
    far = pixel_grid((30, 40)) + np.float32([100, 0])
    expected = 7.0 if outside is None else outside
    np.testing.assert_array_equal(warp(field, far, outside), np.full((30, 40), expected))


def test_warp_stays_within_the_values_of_the_field() -> None:
    """OpenCV 5.0.0 with one two-channel map does not."""
    rng = np.random.default_rng(2)
    field = rng.uniform(1, 2, (240, 427)).astype(np.float32)
    xy = pixel_grid((240, 427)) + rng.normal(0, 4, (240, 427, 2)).astype(np.float32)
    found = warp(field, xy, 1.5)
    assert found.min() >= 1
    assert found.max() <= 2


def test_nearest_look_up_keeps_ids() -> None:
    ids = np.zeros((20, 20), np.uint16)
    ids[5:10, 5:10] = 40000
    moved = remap(ids, pixel_grid((20, 20)) - np.float32([3, 0]), outside=0, nearest=True)
    np.testing.assert_array_equal(np.unique(moved), [0, 40000])
    assert (moved[5:10, 8:13] == 40000).all()


def shifted_windows(shift: int, frames: int) -> list[Window]:
    """Windows over a textured picture that moves `shift` full-resolution pixels right a frame."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 255, (40, 60, 3), np.uint8).astype(np.float32)
    picture = np.kron(coarse, np.ones((8, 8, 1), np.float32)).astype(np.uint8)
    window = SlidingWindow(16, 1.0, 0.0)
    width = picture.shape[1] - shift * frames
    starts = [shift * (frames - 1 - i) for i in range(frames)]
    return [
        window.push(Frame(np.ascontiguousarray(picture[:, start : start + width]), i * 10**7))
        for i, start in enumerate(starts)
    ]


@pytest.mark.parametrize(
    ("max_side_px", "size", "factor"), [(232, (160, 232), 0.5), (4096, (320, 464), 1.0)]
)
def test_flow_of_a_shift(max_side_px: int, size: tuple[int, int], factor: float) -> None:
    windows = shifted_windows(4, 4)
    flow = DenseFlow(max_side_px)
    for window in windows:
        flow.image(window)
    assert flow.size(windows[-1]) == size
    assert_shifted(flow, windows[-1], 4 * factor)


def assert_shifted(flow: DenseFlow, window: Window, shift: float) -> None:
    """The flows are of a picture that moves so many working pixels right a frame."""
    inner = (slice(20, -20), slice(20, -20))
    for found, x, tolerance in (
        (flow.backward(window, 1), -shift, 0.05),
        (flow.backward(window, 3), -3 * shift, 0.1),
        (flow.forward(window), shift, 0.05),
    ):
        assert found.shape == (*flow.size(window), 2)
        np.testing.assert_allclose(np.median(found[inner], axis=(0, 1)), [x, 0], atol=tolerance)


def test_flow_after_a_change_of_the_working_size() -> None:
    windows = shifted_windows(4, 5)
    flow = DenseFlow(max_side_px=0)
    flow.set_budget(160)
    for window in windows[:-1]:
        flow.image(window)
    assert flow.size(windows[-2]) == flow.size_of(windows[-2].newest.size) == (160, 230)
    assert_shifted(flow, windows[-2], 2)
    flow.set_budget(320)
    assert flow.size(windows[-1]) == (320, 460)
    assert_shifted(flow, windows[-1], 4)


def test_flow_is_computed_once_and_forgotten() -> None:
    windows = shifted_windows(4, 4)
    flow = DenseFlow(427)
    first = flow.backward(windows[1], 1)
    assert flow.backward(windows[1], 1) is first
    second = flow.backward(windows[2], 1)
    assert second is not first
    assert all(windows[2].newest_index in pair for pair in flow._flows.known)
