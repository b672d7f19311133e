"""A camera's intrinsics."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.camera import Camera

SIZE = (480, 640)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(4), r"camera matrix: expected \(3, 3\) float64, found \(4, 4\)"),
        (np.eye(3, dtype=np.float32), "found .* float32"),
        (np.diag([500.0, np.nan, 1]), "finite"),
        (np.diag([0.0, 500, 1]), "focal lengths > 0"),
        (np.diag([500.0, -500, 1]), "focal lengths > 0"),
    ],
)
def test_refuses_what_is_no_camera_matrix(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Camera(SIZE, matrix)


def test_without_distortion_a_pixel_is_a_multiple_of_its_direction() -> None:
    camera = Camera(SIZE, np.array([[500.0, 0, 320], [0, 400, 240], [0, 0, 1]]))
    np.testing.assert_allclose(camera.normalised(np.float32([[820, 240]])), [[1, 0]])
    np.testing.assert_allclose(camera.pixels(np.array([[0.5, -1]])), [[570, -160]])
    guessed = Camera.guessed(SIZE)
    assert guessed.focal_px == 640
    np.testing.assert_allclose(guessed.normalised(np.array([319.5, 239.5])), [0, 0])
