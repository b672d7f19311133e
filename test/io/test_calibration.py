"""Whether a calibration can be used, and which camera it describes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from camera_infos import K, camera_info

from motion_seg_ros.io.calibration import Calibration, is_rectified

D = (-0.3, 0.1, 0.001, -0.002, 0.0)
NAN = float("nan")


def calibration(
    message: Any, size: tuple[int, int] = (480, 640), *, rectified: bool = False
) -> Calibration:
    found = Calibration.of(message, size, rectified=rectified)
    assert found is not None
    return found


def test_one_that_fits() -> None:
    found = calibration(camera_info())
    assert str(found) == "fits the images, focal length 525.0 px"
    assert found.camera is not None
    np.testing.assert_array_equal(found.camera.matrix, np.reshape(K, (3, 3)))
    assert found.camera.distortion_model == "none"
    assert Calibration.of(None, (480, 640)) is None


@pytest.mark.parametrize(
    ("model", "d"),
    [
        ("plumb_bob", D),
        ("rational_polynomial", (*D, 0.1, 0.01, 0.001)),
        ("equidistant", (0.1, 0.01, 0.0, 0.0)),
    ],
)
def test_distortion_goes_along(model: str, d: tuple[float, ...]) -> None:
    found = calibration(camera_info(model=model, d=d))
    assert str(found) == f"fits the images, focal length 525.0 px, {model}"
    assert found.camera is not None
    assert (found.camera.distortion_model, found.camera.distortion) == (model, d)


@pytest.mark.parametrize("model", ["", "plumb_bob", "of tomorrow"])
@pytest.mark.parametrize("d", [(), (0.0,) * 5])
def test_without_coefficients_there_is_no_distortion(model: str, d: tuple[float, ...]) -> None:
    camera = calibration(camera_info(model=model, d=d)).camera
    assert camera is not None
    assert camera.distortion_model == "none"


def test_rectified_images_are_those_of_the_projection_matrix() -> None:
    found = calibration(camera_info(d=D), rectified=True)
    assert str(found) == "fits the rectified images, focal length 500.0 px"
    assert found.camera is not None
    np.testing.assert_array_equal(
        found.camera.matrix, [[500, 0, 310.5], [0, 490, 230.5], [0, 0, 1]]
    )
    assert found.camera.distortion_model == "none"


def test_rectified_images_without_projection_matrix() -> None:
    camera = calibration(camera_info(p=(0.0,) * 12), rectified=True).camera
    assert camera is not None
    np.testing.assert_array_equal(camera.matrix, np.reshape(K, (3, 3)))
    found = calibration(camera_info(p=(0.0,) * 12, d=D), rectified=True)
    assert found.camera is None
    assert not found.is_blank
    assert found.problem == "without P, which describes rectified images: it is all zeros"


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("/camera/image_rect", True),
        ("/camera/image_rect_color", True),
        ("/camera/image_rect_color/compressed", True),
        ("image_rect", True),
        ("/camera/image_raw", False),
        ("/camera/image_raw/compressed", False),
        ("/image_rect/image_raw", False),
        ("/camera/color/image_correct", False),
    ],
)
def test_rectified_by_name(topic: str, expected: bool) -> None:
    assert is_rectified(topic) == expected


def test_a_region_of_the_sensor_is_where_its_pixels_are() -> None:
    """A pixel of the region has the direction of the same pixel of the whole image."""
    whole = calibration(camera_info(d=D)).camera
    part = calibration(camera_info(d=D, roi=(100, 40, 320, 200)), (200, 320)).camera
    assert whole is not None
    assert part is not None
    assert part.size == (200, 320)
    at = np.array([[0.0, 0], [13, 150]])
    np.testing.assert_allclose(
        part.normalised(at), whole.normalised(at + np.array([100, 40])), atol=1e-9
    )


def test_a_binned_pixel_lies_in_the_middle_of_those_it_is_made_of() -> None:
    whole = calibration(camera_info(d=D)).camera
    binned = calibration(camera_info(d=D, binning=(2, 4)), (120, 320)).camera
    assert whole is not None
    assert binned is not None
    at = np.array([[0.0, 0], [10, 20]])
    middle = at * [2, 4] + [0.5, 1.5]
    np.testing.assert_allclose(binned.normalised(at), whole.normalised(middle), atol=1e-9)


def test_a_binned_region() -> None:
    whole = calibration(camera_info(d=D)).camera
    found = calibration(camera_info(d=D, roi=(101, 41, 321, 201), binning=(2, 2)), (100, 160))
    assert whole is not None
    assert found.camera is not None
    middle = np.array([101 + 0.5, 41 + 0.5])
    np.testing.assert_allclose(
        found.camera.normalised(np.zeros(2)), whole.normalised(middle), atol=1e-9
    )


@pytest.mark.parametrize(
    ("message", "said", "blank"),
    [
        (camera_info(size=(720, 1280)), "for 1280x720, the images are 640x480", False),
        (
            camera_info([900, 0, 639.5, 0, 900, 359.5, 0, 0, 1], size=(0, 0)),
            "for 0x0, the images are 640x480",
            False,
        ),
        (
            camera_info(size=(960, 1280), roi=(0, 0, 1280, 900), binning=(2, 2)),
            "for 1280x960, region 1280x900, binned 2x2, the images are 640x480",
            False,
        ),
        (camera_info(binning=(2, 2)), "for 640x480, binned 2x2, the images are 640x480", False),
        (
            camera_info(roi=(200, 0, 640, 480)),
            "for 640x480 with a region of 640x480 at 200, 0 that lies outside",
            False,
        ),
        (camera_info([0] * 9, p=[0] * 12), "all zeros: the camera is not calibrated", True),
        (camera_info([0] * 9, d=D), "all zeros: the camera is not calibrated", True),
        (
            camera_info([-1, *K[1:]]),
            "without valid intrinsics: camera matrix: expected finite numbers with focal lengths "
            "> 0, found [[-1.0, 0.0, 319.5], [0.0, 520.0, 239.5], [0.0, 0.0, 1.0]]",
            False,
        ),
        (
            camera_info([*K[:8], NAN]),
            "without valid intrinsics: camera matrix: expected finite numbers with focal lengths "
            "> 0, found [[525.0, 0.0, 319.5], [0.0, 520.0, 239.5], [0.0, 0.0, nan]]",
            False,
        ),
        (
            camera_info(d=(0.1, 0.2, 0.3)),
            "without valid intrinsics: distortion: expected 4 or 5 coefficients of plumb_bob, "
            "found 3",
            False,
        ),
        (
            camera_info(d=(0.1, NAN, 0, 0)),
            "without valid intrinsics: distortion: expected finite coefficients, found "
            "[0.1, nan, 0.0, 0.0]",
            False,
        ),
        (
            camera_info(model="of\ntomorrow", d=D),
            "without valid intrinsics: distortion model: expected one of none, plumb_bob, "
            "rational_polynomial, equidistant, found 'of\\ntomorrow'",
            False,
        ),
    ],
)
def test_those_that_cannot_be_used(message: Any, said: str, blank: bool) -> None:
    found = calibration(message)
    assert str(found) == f"not used: {said}"
    assert found.camera is None
    assert found.is_blank == blank


@pytest.mark.parametrize(
    ("name", "model", "d"),
    [
        ("fisheye", "equidistant", (0.1, 0.01, 0.0, 0.0)),
        ("Kannala Brandt4", "equidistant", (0.1, 0.01, 0.0, 0.0)),
        ("", "plumb_bob", D),
        ("radtan", "plumb_bob", D[:4]),
    ],
)
def test_other_names_of_the_same_models(name: str, model: str, d: tuple[float, ...]) -> None:
    camera = calibration(camera_info(model=name, d=d)).camera
    assert camera is not None
    assert (camera.distortion_model, camera.distortion) == (model, d)


def test_one_without_a_size_is_of_the_image_whose_middle_it_has() -> None:
    camera = calibration(camera_info(size=(0, 0))).camera
    assert camera is not None
    np.testing.assert_array_equal(camera.matrix, np.reshape(K, (3, 3)))


def test_one_without_k_has_it_in_p() -> None:
    camera = calibration(camera_info([0] * 9)).camera
    assert camera is not None
    np.testing.assert_array_equal(camera.matrix, [[500, 0, 310.5], [0, 490, 230.5], [0, 0, 1]])
