"""Published calibrations of the cameras of RGB-D data sets, and the axes of their poses.

TUM RGB-D, https://cvg.cit.tum.de/data/datasets/rgbd-dataset/file_formats; Bonn RGB-D Dynamic,
https://www.ipb.uni-bonn.de/data/rgbd-dynamic-dataset. Of both, depth is registered to the images.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from motion_seg_ros.camera import PLUMB_BOB
from motion_seg_ros.io.calibration import Calibration
from motion_seg_ros.io.camera_file import CameraFile
from motion_seg_ros.lab.evaluation.trajectory.poses import Array, Poses

_SIZE = (480, 640)
# fx, fy, cx, cy of the colour cameras, and their distortion.
_CAMERAS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "freiburg1": ((517.3, 516.5, 318.6, 255.3), (0.2624, -0.9531, -0.0054, 0.0026, 1.1633)),
    "freiburg2": ((520.9, 521.0, 325.1, 249.7), (0.2312, -0.7849, -0.0033, -0.0001, 0.9172)),
    "freiburg3": ((535.4, 539.2, 320.1, 247.6), (0.0,) * 5),
    "rgbd_bonn": (
        (542.822841, 542.576870, 315.593520, 237.756098),
        (0.039903, -0.099343, -0.000730, -0.000144, 0.0),
    ),
}
CAMERAS = tuple(_CAMERAS)
"""Prefixes of sequences with a published calibration, after rgbd_dataset_."""

# Bonn: from the axes of the motion capture to those of ROS, and from the camera to its markers.
_BONN_AXES = np.array([[-1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, 1.0, 0, 0], [0, 0, 0, 1.0]])
_BONN_MARKERS = np.array(
    [
        [1.0157, 0.1828, -0.2389, 0.0113],
        [0.0009, -0.8431, -0.6413, -0.0098],
        [-0.3009, 0.6147, -0.8085, 0.0111],
        [0, 0, 0, 1.0],
    ]
)


def published_camera(name: str) -> CameraFile | None:
    """Return the published calibration of a sequence, for images of 640x480; None where the name
    (`rgbd_dataset_freiburg3_walking_xyz`, `rgbd_bonn_crowd`) tells none."""
    found = re.match(rf"(?:rgbd_dataset_)?({'|'.join(CAMERAS)})(?![0-9A-Za-z])", name)
    if found is None:
        return None
    (fx, fy, cx, cy), distortion = _CAMERAS[found[1]]
    calibration = Calibration(
        size=_SIZE,
        image_size=_SIZE,
        k=(fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0),
        distortion_model=PLUMB_BOB,
        d=distortion,
    )
    return CameraFile(Path(f"published calibration of {found[1]}"), calibration)


def bonn_camera_poses(poses: Poses) -> Poses:
    """Return the poses of the camera from those in a groundtruth.txt of Bonn RGB-D Dynamic, which
    are of the markers on it, in the axes of the motion capture: inv(T_ros) T T_ros T_m."""
    markers = camera_to_markers()
    return Poses(
        poses.stamps_s,
        np.linalg.inv(_BONN_AXES) @ poses.camera_to_world @ _BONN_AXES @ markers,
    )


def bonn_marker_poses(poses: Poses) -> Poses:
    """Undo `bonn_camera_poses`."""
    back = np.linalg.inv(camera_to_markers()) @ np.linalg.inv(_BONN_AXES)
    return Poses(poses.stamps_s, _BONN_AXES @ poses.camera_to_world @ back)


def camera_to_markers() -> Array:
    """Return the published T_m (4, 4) as a rigid motion: it has a scale of 1.06, which no motion of
    a camera has, and of which its rotation is free."""
    left, _, right = np.linalg.svd(_BONN_MARKERS[:3, :3])
    rigid = _BONN_MARKERS.copy()
    rigid[:3, :3] = left @ right
    return rigid
