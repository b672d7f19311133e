"""Odometry of a depth camera against the exact path of a rendered one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import rgbd_walks

from motion_seg_ros.camera import PLUMB_BOB, Camera
from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.lab.evaluation.trajectory.odometry import (
    MAX_DEPTH_M,
    RgbdOdometry,
    Undistortion,
    check_opencv,
)
from motion_seg_ros.lab.evaluation.trajectory.poses import scene_poses
from motion_seg_ros.lab.synthetic.renderer import Renderer

pytestmark = pytest.mark.skipif(not hasattr(cv2, "Odometry"), reason="OpenCV 5: not installed")


@pytest.mark.parametrize("beyond_m", [None, 12.0])
def test_the_path_is_that_of_the_camera(beyond_m: float | None) -> None:
    """Also where something is so far that OpenCV would take the depth for raw units."""
    scene = rgbd_walks.small_walk("nobody", 5)
    odometry = RgbdOdometry(Camera(rgbd_walks.SIZE[::-1], scene.camera.matrix(0.0)))
    found = []
    for frame in Renderer(scene):
        depth = frame.depth_m.copy()
        if beyond_m is not None:
            depth[:5] = beyond_m
        found.append(odometry.push(frame.image_bgr, depth))
    true = scene_poses(scene).camera_to_world
    assert all(each is not None for each in found)
    moved = np.linalg.norm(true[-1, :3, 3] - true[0, :3, 3])
    assert moved > 0.1
    assert np.array(found) == pytest.approx(np.linalg.inv(true[0]) @ true, abs=0.02 * moved)


def test_without_depth_no_motion_is_found_and_none_is_made_up() -> None:
    scene = rgbd_walks.small_walk("nobody", 2)
    odometry = RgbdOdometry(Camera(rgbd_walks.SIZE[::-1], scene.camera.matrix(0.0)))
    first, second = Renderer(scene)
    nothing = np.full(first.frame.size, np.nan, np.float32)
    assert odometry.push(first.image_bgr, first.depth_m) == pytest.approx(np.eye(4))
    assert odometry.push(second.image_bgr, nothing) is None
    assert odometry.push(second.image_bgr, nothing + MAX_DEPTH_M) is None


def test_an_older_opencv_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "Odometry")
    monkeypatch.setattr(cv2, "__version__", "4.5.4")
    with pytest.raises(MissingDependencyError, match=r"found OpenCV 4\.5\.4; install it with pip"):
        check_opencv()


def test_images_and_depth_are_as_without_distortion() -> None:
    matrix = np.array([[80.0, 0, 47.5], [0, 80.0, 35.5], [0, 0, 1]])
    bent = Camera((72, 96), matrix, PLUMB_BOB, (-0.2, 0.05, 0.0, 0.0, 0.0))
    straight = Undistortion(bent)
    # Two corners of what the straight camera sees, by OpenCV's own model.
    for x, y in ((20, 15), (70, 60)):
        ray = np.array([[(x - 47.5) / 80, (y - 35.5) / 80, 1.0]])
        (at,), _ = cv2.projectPoints(
            ray, np.zeros(3), np.zeros(3), matrix, np.array([-0.2, 0.05, 0, 0, 0])
        )
        column, row = np.rint(at[0]).astype(int)
        image = np.zeros((72, 96, 3), np.uint8)
        cv2.circle(image, (int(column), int(row)), 2, (255, 255, 255), -1)
        depth = np.ones((72, 96), np.float32)
        depth[row, column] = 2.5
        assert straight.image(image)[y, x].min() > 200
        assert straight.depth(depth)[y, x] == 2.5
    assert straight.camera.distortion == ()
