"""The calibration that comes with an image, and whether it can be used. Without ROS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from motion_seg_ros.camera import Camera


@dataclass(frozen=True)
class Calibration:
    """The calibration in a sensor_msgs/CameraInfo, for one image.

    Attributes:
        size: height and width of the images that it is for.
        image_size: height and width of the image.
        k: the intrinsics K, row by row.
    """

    size: tuple[int, int]
    image_size: tuple[int, int]
    k: tuple[float, ...]

    @classmethod
    def of(cls, camera_info: Any, image_size: tuple[int, int]) -> Calibration | None:
        """Return the calibration in a message, or None without a message."""
        if camera_info is None:
            return None
        size = (camera_info.height, camera_info.width)
        return cls(size, image_size, tuple(float(each) for each in camera_info.k))

    @property
    def problem(self) -> str:
        """Why it cannot be used, "" if it can."""
        (height, width), (rows, columns) = self.size, self.image_size
        if self.size != self.image_size:
            return f"for {width}x{height}, the images are {columns}x{rows}"
        if self.is_blank:
            return "all zeros: the camera is not calibrated"
        if not np.isfinite(self.k).all() or min(self.k[0], self.k[4]) <= 0:
            return f"without valid intrinsics: K is {', '.join(f'{each:g}' for each in self.k)}"
        return ""

    @property
    def is_blank(self) -> bool:
        """True if all is zero, as drivers publish it that know of no calibration."""
        return not any(self.k)

    @property
    def camera(self) -> Camera | None:
        """The intrinsics; None if there is a problem."""
        return None if self.problem else Camera(self.image_size, np.array(self.k).reshape(3, 3))

    def __str__(self) -> str:
        """Return whether it can be used, or why not."""
        if self.problem:
            return f"not used: {self.problem}"
        return f"fits the images, focal length {self.k[0]:.1f} px"
