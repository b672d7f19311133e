"""Directions kept from window to window are those of the camera."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.camera import PLUMB_BOB, Camera, Float64Array
from motion_seg_ros.geometry.directions import Directions
from motion_seg_ros.types import FloatArray

MATRIX = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
IDS = np.arange(0, 200, 2)


def lens(k1: float = -0.3, k2: float = 0.1) -> Camera:
    return Camera((480, 640), MATRIX.copy(), PLUMB_BOB, (k1, k2, 0.001, -0.001))


def pixels(seed: int, frames: int = 8) -> FloatArray:
    rng = np.random.default_rng(seed)
    return rng.uniform((0, 0), (639, 479), (frames, len(IDS), 2)).astype(np.float32)


class Counted(Camera):
    """Counts the pixels that it is asked for."""

    asked = 0

    def normalised(self, xy_px: FloatArray) -> Float64Array:
        Counted.asked += xy_px[..., 0].size
        return super().normalised(xy_px)


def test_only_what_is_new_is_undistorted() -> None:
    camera = Counted((480, 640), MATRIX.copy(), PLUMB_BOB, (-0.3, 0.1, 0.001, -0.001))
    known, more = Directions(), pixels(0, frames=9)
    known.of(camera, 10, IDS, more[:8])
    Counted.asked = 0
    ids = np.sort(np.append(IDS[10:], 1001))
    xy = np.concatenate((more[1:, 10:], pixels(1)[:, :1]), axis=1)
    found = known.of(camera, 11, ids, xy)
    assert Counted.asked == len(ids) + 7  # the newest frame, and the new track in the others
    np.testing.assert_allclose(found, lens().normalised(xy), atol=1e-9)


@pytest.mark.parametrize("first", [0, 3, 9, 10, 12, 18, 100])
def test_windows_may_overlap_in_any_way_and_pixels_may_be_revised(first: int) -> None:
    camera, known = lens(), Directions()
    stream = pixels(2, frames=120)
    known.of(camera, 10, IDS, stream[10:18])
    xy = stream[first : first + 6].copy()
    xy[2:4, 5] += 1
    expected = camera.normalised(xy)
    np.testing.assert_allclose(known.of(camera, first, IDS, xy), expected, atol=1e-9)
    # Ids and frames that are taken for others do not matter where the pixels differ.
    np.testing.assert_allclose(known.of(camera, first, IDS + 2, xy), expected, atol=1e-9)


def test_another_calibration_starts_anew() -> None:
    known, xy = Directions(), pixels(3)
    known.of(lens(), 0, IDS, xy)
    other = lens(0.05)
    np.testing.assert_array_equal(known.of(other, 0, IDS, xy), other.normalised(xy))


def test_what_the_lens_does_not_see_stays_unknown() -> None:
    camera, known = lens(k2=0.0), Directions()
    corner = np.full((2, 1, 2), -400, np.float32)
    for _ in range(2):
        assert np.isnan(known.of(camera, 0, IDS[:1], corner)).all()
