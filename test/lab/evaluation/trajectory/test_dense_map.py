"""Dense maps of surfaces of which it is known what they look like."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from motion_seg_ros.camera import Camera
from motion_seg_ros.lab.evaluation.trajectory.dense_map import DenseMap, as_jpeg

pytestmark = pytest.mark.skipif(not hasattr(cv2, "Volume"), reason="OpenCV 5: not installed")
SIZE = (60, 80)
CAMERA = Camera(SIZE, np.array([[70.0, 0, 39.5], [0, 70.0, 29.5], [0, 0, 1]]))
WALL_M, BOX_M = 3.11, 1.5  # rays that step over a surface at its very depth see through it
TIMES = 5


def seen(*, box: bool, unknown: bool = False) -> np.ndarray:
    """A wall, and before its middle a box, or nothing known."""
    depth = np.full(SIZE, WALL_M, np.float32)
    if box:
        depth[20:40, 30:50] = np.nan if unknown else BOX_M
    return depth


def mapped(*depths: np.ndarray) -> DenseMap:
    """A map of each of these, seen several times."""
    dense = DenseMap(CAMERA)
    for each in depths:
        for _ in range(TIMES):
            dense.add(each, np.eye(4))
    return dense


def green(depth_m: float) -> float:
    """Share of green in the colour of a distance, whatever the light."""
    level = np.array([[255 * (1 - (depth_m - 0.8) / 4.2)]], np.uint8)
    blue, green, red = cv2.applyColorMap(level, cv2.COLORMAP_VIRIDIS)[0, 0].astype(float)
    return float(green / (blue + green + red))


def green_in_the_middle(dense: DenseMap, z_m: float = 0.0) -> float:
    """The same share in the middle of the picture from so far ahead; NaN where all is black."""
    pose = np.eye(4)
    pose[2, 3] = z_m
    totals = dense.picture(pose)[25:35, 35:45].sum(axis=(0, 1)).astype(float)
    return float(totals[1] / totals.sum()) if totals.any() else np.nan


def test_what_is_not_known_leaves_no_ghost() -> None:
    ghost = mapped(seen(box=True))
    assert green_in_the_middle(ghost) == pytest.approx(green(BOX_M), abs=0.02)
    masked = mapped(seen(box=True, unknown=True), seen(box=False))
    assert green_in_the_middle(masked) == pytest.approx(green(WALL_M), abs=0.02)


def test_a_map_is_seen_from_anywhere() -> None:
    dense = mapped(seen(box=False))
    assert green_in_the_middle(dense) == pytest.approx(green(WALL_M), abs=0.02)
    assert green_in_the_middle(dense, 1.2) == pytest.approx(green(WALL_M - 1.2), abs=0.02)
    assert np.isnan(green_in_the_middle(dense, WALL_M + 1))  # nothing is behind the wall


def test_a_picture_is_a_jpeg() -> None:
    picture = np.full((*SIZE, 3), 90, np.uint8)
    back = cv2.imdecode(np.frombuffer(as_jpeg(picture), np.uint8), cv2.IMREAD_COLOR)
    assert abs(back.astype(int) - 90).max() < 3
