"""Cameras for COLMAP project as ours do."""

from __future__ import annotations

import json

import numpy as np
import pytest
from mapping import needs_colmap, run_program

from motion_seg_ros.camera import Camera
from motion_seg_ros.io.colmap_camera import colmap_camera

MATRIX = np.array([[400.0, 0, 322], [0, 402, 236], [0, 0, 1]])
PROJECT = """
import json, sys, numpy as np, pycolmap
model, parameters, points = sys.argv[1:]
camera = pycolmap.Camera(
    model=model, width=640, height=480, params=list(map(float, parameters.split(",")))
)
print(json.dumps(camera.img_from_cam(np.array(json.loads(points), np.float64)).tolist()))
"""


@needs_colmap
@pytest.mark.parametrize(
    ("model", "distortion", "named"),
    [
        ("none", (), "PINHOLE"),
        ("plumb_bob", (-0.3, 0.1, 1e-3, -2e-3), "OPENCV"),
        ("plumb_bob", (-0.3, 0.1, 1e-3, -2e-3, -0.01), "FULL_OPENCV"),
        (
            "rational_polynomial",
            (0.3, 0.1, 1e-3, -5e-4, 0.02, 0.5, 0.2, 0.03),
            "FULL_OPENCV",
        ),
        ("equidistant", (-0.01, 0.02, -0.003, 0.0005), "OPENCV_FISHEYE"),
    ],
)
def test_pixels_are_the_same(model: str, distortion: tuple[float, ...], named: str) -> None:
    """COLMAP has the corner of the top-left pixel at (0, 0), and we its centre."""
    camera = Camera((480, 640), MATRIX, model, distortion)
    found = colmap_camera(camera)
    assert found.model == named
    xy = np.random.default_rng(0).uniform(-0.5, 0.5, (20, 2))
    points = json.dumps(np.c_[xy, np.ones(20)].tolist())
    pixels = json.loads(run_program(PROJECT, found.model, found.parameters, points))
    np.testing.assert_allclose(np.array(pixels) - 0.5, camera.pixels(xy), atol=1e-9)
