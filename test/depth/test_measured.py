"""A sensor's depth at tracks, from maps in closed form."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from motion_seg_ros.depth.measured import measured_at, measured_error
from motion_seg_ros.types import FloatArray, Tracks

SIZE = (120, 160)


def tracks_at(xy: npt.ArrayLike, visible: npt.ArrayLike | None = None) -> Tracks:
    """Tracks of two frames, which were at the other end of the image in the first."""
    now = np.array(xy, np.float32)
    count = len(now)
    seen = np.ones((2, count), bool)
    if visible is not None:
        seen[1] = visible
    before = np.array([SIZE[1] - 1, SIZE[0] - 1], np.float32) - now
    first = np.zeros(count, np.int64)
    return Tracks(np.arange(count), np.stack([before, now]), seen, seen.astype(np.float32), first)


def ramp(size: tuple[int, int]) -> FloatArray:
    """Inverse depth 0.1 at the left to 0.5 at the right edge of the image, whatever its size."""
    x = (np.arange(size[1]) + 0.5) / size[1]
    return np.tile(0.1 + 0.4 * x, (size[0], 1)).astype(np.float32)


@pytest.mark.parametrize("size", [SIZE, (60, 80), (240, 320)])
def test_the_depth_is_that_at_the_newest_position(size: tuple[int, int]) -> None:
    xy = np.random.default_rng(0).uniform((10, 10), (150, 110), (50, 2))
    value, error = measured_at(ramp(size), tracks_at(xy), SIZE)
    np.testing.assert_allclose(value, 0.1 + 0.4 * (xy[:, 0] + 0.5) / SIZE[1], atol=1e-4)
    assert (value.dtype, error.dtype) == (np.float32, np.float32)


def test_the_error_grows_with_the_inverse_depth() -> None:
    for inverse in (0.0, 0.1, 2.0):
        flat = np.full(SIZE, inverse, np.float32)
        value, error = measured_at(flat, tracks_at([[40, 40]]), SIZE)
        assert value == pytest.approx(inverse)
        assert error == pytest.approx(measured_error(value))
    assert measured_error(np.float32([2.0]))[0] > measured_error(np.float32([0.1]))[0] > 0


def test_at_an_edge_the_depth_may_be_that_of_either_side() -> None:
    inverse = np.full(SIZE, 0.1, np.float32)
    inverse[:, 80:] = 1.0
    xy = [[77.0, 60.0], [78.0, 60.0], [79.5, 60.0], [81.0, 60.0], [84.0, 60.0]]
    value, error = measured_at(inverse, tracks_at(xy), SIZE)
    np.testing.assert_allclose(value, [0.1, 0.1, 0.55, 1.0, 1.0], atol=1e-6)
    apart = np.abs(value[:, None] - [0.1, 1.0]).max(axis=1)
    near_edge = np.array([False, True, True, True, False])
    assert (apart[near_edge] <= 2.1 * error[near_edge]).all()
    np.testing.assert_allclose(error[~near_edge], measured_error(value[~near_edge]), atol=1e-6)


def test_unknown_depth_and_hidden_tracks_have_none() -> None:
    inverse = np.full(SIZE, 0.2, np.float32)
    inverse[:, 80:] = np.nan
    tracks = tracks_at([[20, 20], [78.5, 20], [79.5, 20], [120, 20], [30, 30]], [1, 1, 1, 1, 0])
    value, error = measured_at(inverse, tracks, SIZE)
    known = [True, True, False, False, False]
    np.testing.assert_array_equal(np.isfinite(value), known)
    np.testing.assert_array_equal(np.isfinite(error), known)
    # A hole is no edge: nothing is known of what is in it.
    np.testing.assert_allclose(error[:2], measured_error(value[:2]), atol=1e-6)


def test_a_map_without_any_depth() -> None:
    nothing = np.full(SIZE, np.nan, np.float32)
    value, error = measured_at(nothing, tracks_at([[20, 20], [50, 50]]), SIZE)
    assert np.isnan(value).all()
    assert np.isnan(error).all()


def test_no_tracks_at_all() -> None:
    value, error = measured_at(ramp(SIZE), Tracks.empty(2), SIZE)
    assert value.shape == error.shape == (0,)
