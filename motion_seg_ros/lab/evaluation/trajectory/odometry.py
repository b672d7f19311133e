"""Odometry of a depth camera, by OpenCV: from frame to frame, on image and depth (cv2.Odometry).

Steinbruecker et al., "Real-Time Visual Odometry from Dense RGB-D Images", ICCV Workshops 2011, with
the point-to-plane ICP of KinectFusion; every pixel that has depth takes part, none else.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.camera import NONE, Camera
from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.types import FloatArray, UInt8Array

MAX_DEPTH_M = 8.0
"""Farthest depth that is used. Set by hand: what a Kinect measures beyond is off by 9 cm and more.
From 10 m on OpenCV would take metres for raw units, and divide them by 5000."""


def check_opencv() -> None:
    """Check that OpenCV has odometry and a TSDF for depth cameras.

    Raises:
        MissingDependencyError: it has not.
    """
    if not all(hasattr(cv2, each) for each in ("Odometry", "Volume")):
        raise MissingDependencyError(
            "trajectories of a depth camera: expected OpenCV 5 with cv2.Odometry and cv2.Volume, "
            f"found OpenCV {cv2.__version__}; install it with pip install "
            "'opencv-contrib-python-headless>=5'"
        )


class RgbdOdometry:
    """Adds up the motion from each frame to the next.

    Args:
        camera: of the frames, without distortion.
    """

    def __init__(self, camera: Camera) -> None:
        settings = cv2.OdometrySettings()
        settings.setCameraMatrix(camera.matrix.astype(np.float32))
        settings.setMaxDepth(MAX_DEPTH_M)
        self._odometry = cv2.Odometry(
            cv2.OdometryType_RGB_DEPTH, settings, cv2.OdometryAlgoType_COMMON
        )
        self._last: Any = None
        self._pose = np.eye(4)

    def push(self, image_bgr: UInt8Array, depth_m: FloatArray) -> npt.NDArray[np.float64] | None:
        """Return the pose (4, 4) of the next frame, camera -> first camera, in metres; None where
        no motion from the frame before fits, which counts as none.

        Args:
            image_bgr: (H, W, 3).
            depth_m: (H, W) float32 metres, NaN where it is unknown or not to be used.
        """
        with np.errstate(invalid="ignore"):
            near = np.where(depth_m <= MAX_DEPTH_M, depth_m, np.float32(np.nan))
        frame = cv2.OdometryFrame(near.astype(np.float32), image_bgr)
        last, self._last = self._last, frame
        if last is None:
            return self._pose.copy()
        try:
            self._odometry.prepareFrames(frame, last)
            found, motion = self._odometry.compute(frame, last)
        except cv2.error:  # as for a frame with hardly any depth
            return None
        if not found or not np.isfinite(motion).all():
            return None
        self._pose = self._pose @ motion
        return self._pose.copy()


class Undistortion:
    """Makes images and depth of a camera those of one without distortion.

    Depth is taken from the nearest pixel: what lies between two surfaces is on neither.

    Attributes:
        camera: without distortion, with the same matrix.
    """

    def __init__(self, camera: Camera) -> None:
        self.camera = dataclasses.replace(camera, distortion_model=NONE, distortion=())
        self._maps: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None = None
        if camera.distortion_model != NONE:
            height, width = camera.size
            pixels = np.dstack(np.meshgrid(np.arange(width), np.arange(height)))
            xy = camera.pixels(self.camera.normalised(pixels.astype(np.float64)))
            x, y = np.moveaxis(np.nan_to_num(xy, nan=-1.0).astype(np.float32), -1, 0)
            self._maps = (x, y)

    def image(self, image_bgr: UInt8Array) -> UInt8Array:
        """Return an image (H, W, 3); black where the camera sees nothing."""
        if self._maps is None:
            return image_bgr
        return np.asarray(cv2.remap(image_bgr, *self._maps, cv2.INTER_LINEAR), np.uint8)

    def depth(self, depth_m: FloatArray) -> FloatArray:
        """Return depth (H, W) float32; NaN where the camera sees nothing."""
        if self._maps is None:
            return depth_m
        found = cv2.remap(depth_m, *self._maps, cv2.INTER_NEAREST, borderValue=float("nan"))
        return np.asarray(found, np.float32)
