"""A camera's intrinsics: closed forms, and OpenCV's own lens models."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_seg_ros.camera import COEFFICIENTS, MAX_ANGLE_DEG, Camera
from motion_seg_ros.flow.dense import resized

SIZE = (480, 640)
MATRIX = np.array([[400.0, 0, 322], [0, 402, 236], [0, 0, 1]])
CENTRED = np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]])
LENSES = (
    ("plumb_bob", (-0.3, 0.1, 1e-3, -2e-3)),
    ("plumb_bob", (-0.3, 0.1, 1e-3, -2e-3, -0.01)),
    ("plumb_bob", (0.08, -0.12, 0.0, 0.0, 0.0)),
    ("plumb_bob", (-0.4, 0.2, 0.01, 0.01, -0.04)),  # badly mounted
    ("rational_polynomial", (0.3, 0.1, 1e-3, -5e-4, 0.02, 0.5, 0.2, 0.03)),
    ("rational_polynomial", (8.9, 4.5, 1e-4, 2e-5, 0.21, 9.3, 7.4, 1.1)),  # as of a webcam
    ("equidistant", (-0.01, 0.02, -0.003, 0.0005)),
    ("equidistant", (0.1, 0.0, 0.0, 0.0)),
)
lenses = pytest.mark.parametrize(("model", "distortion"), LENSES)


def grid(size: tuple[int, int] = SIZE, step: int = 8) -> np.ndarray:
    """Return the positions (h, w, 2) of pixels."""
    return np.dstack(np.meshgrid(np.arange(0.0, size[1], step), np.arange(0.0, size[0], step)))


def by_opencv(xy: np.ndarray, model: str, distortion: tuple[float, ...]) -> np.ndarray:
    points, origin = np.c_[xy, np.ones(len(xy))], np.zeros(3)
    project = cv2.fisheye.projectPoints if model == "equidistant" else cv2.projectPoints
    pixels, _ = project(points[:, None], origin, origin, MATRIX, np.array(distortion))
    return np.asarray(pixels).reshape(-1, 2)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(4), r"camera matrix: expected \(3, 3\) float64, found \(4, 4\)"),
        (np.eye(3, dtype=np.float32), "found .* float32"),
        (np.diag([500.0, np.nan, 1]), "finite"),
        (np.diag([0.0, 500, 1]), "focal lengths > 0"),
        (np.diag([500.0, -500, 1]), "focal lengths > 0"),
        (np.diag([500.0, 1e-300, 1]), "for images of 640x480"),
        (np.diag([1e300, 500, 1]), "for images of 640x480"),
        (np.array([[500.0, 0, -1e9], [0, 500, 240], [0, 0, 1]]), "for images of 640x480"),
    ],
)
def test_refuses_what_is_no_camera_matrix(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Camera(SIZE, matrix)


@pytest.mark.parametrize(
    ("model", "distortion", "message"),
    [
        ("thin_prism", (0.1,) * 4, "model: expected one of none, plumb_bob, .* found 'thin_prism'"),
        ("", (0.1,) * 4, "found ''"),
        ("plumb_bob", (0.1,) * 3, "expected 4 or 5 coefficients of plumb_bob, found 3"),
        ("plumb_bob", (0.01,) * 8, "expected 4 or 5 coefficients of plumb_bob, found 8"),
        ("equidistant", (0.1,) * 5, "expected 4 coefficients of equidistant, found 5"),
        ("none", (0.1,), "expected 0 coefficients of none, found 1"),
        ("plumb_bob", (0.1, np.nan, 0, 0), "expected finite coefficients"),
        ("equidistant", (0.1, np.inf, 0, 0), "expected finite coefficients"),
        ("plumb_bob", (-1e9, 0.0, 0.0, 0.0), "that fit the image"),
        ("plumb_bob", (1e300, -1e300, 1e300, 1e300), "that fit the image"),
        ("rational_polynomial", (0.0,) * 5 + (-50.0, 0.0, 0.0), "that fit the image"),
        ("plumb_bob", (500.0, 0.0, 0.0, 0.0), "that fit the image"),
    ],
)
def test_refuses_what_is_no_distortion(model: str, distortion: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Camera(SIZE, MATRIX, model, distortion)


def test_without_distortion_a_pixel_is_a_multiple_of_its_direction() -> None:
    camera = Camera(SIZE, np.array([[500.0, 0, 320], [0, 400, 240], [0, 0, 1]]))
    np.testing.assert_allclose(camera.normalised(np.float32([[820, 240]])), [[1, 0]])
    np.testing.assert_allclose(camera.pixels(np.array([[0.5, -1]])), [[570, -160]])
    guessed = Camera.guessed(SIZE)
    assert guessed.focal_px == 640
    np.testing.assert_allclose(guessed.normalised(np.array([319.5, 239.5])), [0, 0])


@pytest.mark.parametrize("model", COEFFICIENTS)
def test_coefficients_of_zero_are_no_distortion(model: str) -> None:
    for count in (0, max(COEFFICIENTS[model])):
        camera = Camera(SIZE, MATRIX, model, (0.0,) * count)
        assert (camera.distortion_model, camera.distortion) == ("none", ())
        expected = Camera(SIZE, MATRIX).normalised(grid())
        np.testing.assert_array_equal(camera.normalised(grid()), expected)


def test_equidistant_lens_sees_equal_angles_at_equal_distances() -> None:
    """With k1 to k4 near 0 the distance to the middle is focal length times angle."""
    matrix = np.array([[300.0, 0, 499.5], [0, 300, 499.5], [0, 0, 1]])
    camera = Camera((1000, 1000), matrix, "equidistant", (1e-12, 0, 0, 0))
    angle = np.radians([0, 10, 45, 70, 84.9])
    around = np.radians(30)
    towards = np.array([np.cos(around), np.sin(around)])
    pixels = 499.5 + 300 * angle[:, None] * towards
    np.testing.assert_allclose(
        camera.normalised(pixels), np.tan(angle)[:, None] * towards, rtol=1e-5
    )
    np.testing.assert_allclose(camera.pixels(np.tan(angle)[:, None] * towards), pixels, atol=1e-9)


def test_barrel_of_one_coefficient() -> None:
    """x (1 + k1 x^2) by hand."""
    camera = Camera(SIZE, CENTRED, "plumb_bob", (-0.2, 0, 0, 0, 0))
    np.testing.assert_allclose(camera.pixels(np.array([0.5, 0])), [320 + 190, 240])
    np.testing.assert_allclose(camera.normalised(np.array([510.0, 240])), [0.5, 0], atol=1e-9)


@lenses
def test_directions_are_those_of_opencv(model: str, distortion: tuple[float, ...]) -> None:
    camera = Camera(SIZE, MATRIX, model, distortion)
    xy = camera.normalised(grid())
    seen = np.isfinite(xy).all(axis=-1)
    assert seen.mean() > 0.98
    assert np.degrees(np.arctan(np.hypot(*xy[seen].T))).max() < MAX_ANGLE_DEG
    np.testing.assert_allclose(
        by_opencv(xy[seen], model, distortion), grid()[seen], atol=1e-3, rtol=0
    )
    np.testing.assert_allclose(camera.pixels(xy)[seen], grid()[seen], atol=1e-3, rtol=0)


@lenses
def test_pixels_are_those_of_opencv(model: str, distortion: tuple[float, ...]) -> None:
    camera = Camera(SIZE, MATRIX, model, distortion)
    xy = np.random.default_rng(1).uniform(-0.6, 0.6, (500, 2))
    np.testing.assert_allclose(
        camera.pixels(xy), by_opencv(xy, model, distortion), atol=1e-9, rtol=0
    )
    np.testing.assert_allclose(camera.normalised(camera.pixels(xy)), xy, atol=1e-6, rtol=0)


@lenses
def test_far_off_the_axis_there_is_no_number(model: str, distortion: tuple[float, ...]) -> None:
    camera = Camera(SIZE, MATRIX, model, distortion)
    beyond = np.tan(np.radians([86.0, 89.999]))
    far = [*beyond, 1e9, 1e300, np.inf, np.nan]
    for sign in (1, -1):
        assert np.isnan(camera.pixels(np.array([[sign * each, 0] for each in far]))).all()
        assert np.isnan(camera.pixels(np.array([[0.1, sign * each] for each in far]))).all()
    for px in (1e9, 1e300, np.inf, np.nan):
        assert np.isnan(camera.normalised(np.array([px, 240.0]))).all()


def test_beyond_the_turn_of_its_polynomial_a_lens_has_no_directions() -> None:
    """r (1 - 0.2 r^2) grows until r = sqrt(1 / 0.6) = 1.291, where it is 0.861."""
    camera = Camera(SIZE, CENTRED, "plumb_bob", (-0.2, 0, 0, 0))
    assert np.isfinite(camera.pixels(np.array([1.2, 0]))).all()
    assert np.isnan(camera.pixels(np.array([1.3, 0]))).all()
    assert np.isfinite(camera.normalised(np.array([320 + 0.84 * 400, 240]))).all()
    assert np.isnan(camera.normalised(np.array([320 + 0.87 * 400, 240]))).all()


@lenses
def test_shapes_are_kept(model: str, distortion: tuple[float, ...]) -> None:
    camera = Camera(SIZE, MATRIX, model, distortion)
    for shape in ((2,), (0, 2), (5, 2), (4, 0, 2), (3, 5, 2)):
        points = np.full(shape, 300, np.float32)
        for found in (camera.normalised(points), camera.pixels(points * 0)):
            assert (found.shape, found.dtype) == (shape, np.float64)


@lenses
def test_resized_camera_sees_the_same(model: str, distortion: tuple[float, ...]) -> None:
    camera, small = Camera(SIZE, MATRIX, model, distortion), (120, 200)
    at = np.float32([[0, 0], [320.5, 17.25], [600, 400]])
    np.testing.assert_allclose(
        camera.resized(small).normalised(resized(at, SIZE, small)),
        camera.normalised(at),
        atol=1e-5,
    )


@given(
    st.sampled_from(sorted(COEFFICIENTS)),
    st.lists(st.floats(-1e3, 1e3) | st.floats(-1, 1), min_size=4, max_size=8),
    st.floats(1, 1e4),
)
def test_any_lens_is_refused_or_gives_back_the_pixel(
    model: str, distortion: list[float], focal: float
) -> None:
    matrix = np.array([[focal, 0, 319.5], [0, focal, 239.5], [0, 0, 1]])
    try:
        camera = Camera(SIZE, matrix, model, tuple(distortion))
    except ValueError:
        return
    back = camera.pixels(camera.normalised(grid(step=40)))
    seen = np.isfinite(back).all(axis=-1)
    np.testing.assert_allclose(back[seen], grid(step=40)[seen], atol=0.01)
