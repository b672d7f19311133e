"""Calibration of a camera as sensor_msgs/CameraInfo states it, and whether it can be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from motion_seg_ros.camera import EQUIDISTANT, NONE, PLUMB_BOB, Camera
from motion_seg_ros.errors import one_line
from motion_seg_ros.io.video_packets import VIDEO_SUFFIXES

COMPRESSED_SUFFIX = "/compressed"
_TRANSPORT_SUFFIXES = (COMPRESSED_SUFFIX, *VIDEO_SUFFIXES)
_OTHER_NAMES = {
    "fisheye": EQUIDISTANT,  # OpenCV
    "kannala_brandt": EQUIDISTANT,  # its authors
    "kannala_brandt4": EQUIDISTANT,
    "": PLUMB_BOB,
    "brown_conrady": PLUMB_BOB,
    "radtan": PLUMB_BOB,  # Kalibr
}
"""Names that drivers give to models of sensor_msgs, https://github.com/ros2/common_interfaces/pull/160
has a list; drivers of before ROS's standard leave it empty, with the coefficients of plumb_bob."""
_RECTIFIED = "image_rect"  # begins the names of image_proc's rectified topics: image_rect_color


def is_rectified(image_topic: str) -> bool:
    """Return whether a topic's name says that its images are rectified, as image_proc names them.

    https://docs.ros.org/en/rolling/p/image_proc (image_rect, image_rect_color)
    """
    return without_transport(image_topic).rpartition("/")[2].startswith(_RECTIFIED)


def without_transport(image_topic: str) -> str:
    """Return the topic of the raw images of a topic, as image_transport names them."""
    for suffix in _TRANSPORT_SUFFIXES:
        image_topic = image_topic.removesuffix(suffix)
    return image_topic


@dataclass(frozen=True)
class Calibration:
    """The calibration in a sensor_msgs/CameraInfo, for one image.

    K and the distortion describe the image as the sensor gives it, P the rectified one; all are of
    the full resolution, of which the image may be a region, and binned (the message's comments,
    https://docs.ros.org/en/rolling/p/sensor_msgs).

    Attributes:
        size: height and width of the images that it is for, at full resolution.
        image_size: height and width of the image.
        k: the intrinsics K, row by row.
        distortion_model: as sensor_msgs names it.
        d: coefficients of that model.
        p: the projection matrix (3, 4), row by row; zeros where it is unknown.
        region: x, y, width, height of the part of the sensor that was read, in pixels of the full
            resolution; zeros for all of it.
        binning: pixels of the sensor in one of the image, across and down; 0 is 1.
        rectified: the image is rectified, so that P holds and not K and D.
    """

    size: tuple[int, int]
    image_size: tuple[int, int]
    k: tuple[float, ...]
    distortion_model: str = ""
    d: tuple[float, ...] = ()
    p: tuple[float, ...] = (0.0,) * 12
    region: tuple[int, int, int, int] = (0, 0, 0, 0)
    binning: tuple[int, int] = (1, 1)
    rectified: bool = False

    @classmethod
    def of(
        cls, camera_info: Any, image_size: tuple[int, int], *, rectified: bool = False
    ) -> Calibration | None:
        """Return the calibration in a message, of ROS or of rosbags; None without a message."""
        if camera_info is None:
            return None
        roi = camera_info.roi
        size = (int(camera_info.height), int(camera_info.width))
        if not any(size) and _is_central(camera_info.k[2], camera_info.k[5], image_size):
            size = image_size  # some drivers leave it out
        return cls(
            size=size,
            image_size=image_size,
            k=_floats(camera_info.k),
            distortion_model=str(camera_info.distortion_model),
            d=_floats(camera_info.d),
            p=_floats(camera_info.p),
            region=(int(roi.x_offset), int(roi.y_offset), int(roi.width), int(roi.height)),
            binning=(int(camera_info.binning_x), int(camera_info.binning_y)),
            rectified=rectified,
        )

    @property
    def problem(self) -> str:
        """Why it cannot be used, "" if it can."""
        return self._solution if isinstance(self._solution, str) else ""

    @property
    def camera(self) -> Camera | None:
        """The intrinsics for the image; None if there is a problem."""
        return None if isinstance(self._solution, str) else self._solution

    @property
    def is_blank(self) -> bool:
        """True if all is zero, as drivers publish it that know of no calibration."""
        return not any(self.k) and not self._lacks_k and not (self.rectified and any(self.p))

    def __str__(self) -> str:
        """Return whether it can be used, or why not."""
        camera = self.camera
        if camera is None:
            return f"not used: {self.problem}"
        lens = "" if camera.distortion_model == NONE else f", {camera.distortion_model}"
        return (
            f"fits the {'rectified ' if self.rectified else ''}images, focal length "
            f"{camera.matrix[0, 0]:.1f} px{lens}"
        )

    @property
    def _by_projection(self) -> bool:
        """True if P and not K describes the image. Without distortion K describes the rectified
        one, too, and some drivers leave P at zero."""
        return self._lacks_k or (self.rectified and (any(self.p) or any(self.d)))

    @property
    def _lacks_k(self) -> bool:
        """True if only P is known: some drivers leave K at zero. Without distortion it is K."""
        if any(self.k) or any(self.d):
            return False
        return _is_central(self.p[2], self.p[6], self.size)

    @cached_property
    def _solution(self) -> Camera | str:
        """The camera, or why there is none."""
        if self.is_blank:
            return "all zeros: the camera is not calibrated"
        if self._by_projection and not any(self.p):
            return "without P, which describes rectified images: it is all zeros"
        misfit = self._misfit()
        if misfit:
            return misfit
        try:
            return self._camera()
        except ValueError as error:
            return one_line(f"without valid intrinsics: {error}")

    def _misfit(self) -> str:
        """Return how the image differs from the one that the calibration states; "" if it does
        not."""
        (full_height, full_width), (rows, columns) = self.size, self.image_size
        x, y, width, height = self._region
        if x < 0 or y < 0 or x + width > full_width or y + height > full_height:
            return (
                f"for {full_width}x{full_height} with a region of {width}x{height} at {x}, {y} that"
                " lies outside"
            )
        across, down = self._binning
        if (height // down, width // across) == self.image_size:
            return ""
        stated = f"{full_width}x{full_height}"
        if (height, width) != self.size:
            stated += f", region {width}x{height}"
        if (across, down) != (1, 1):
            stated += f", binned {across}x{down}"
        return f"for {stated}, the images are {columns}x{rows}"

    def _camera(self) -> Camera:
        """Return the intrinsics of the image.

        Raises:
            ValueError: there are none like that.
        """
        if self._by_projection:
            full = Camera(self.size, np.array(self.p).reshape(3, 4)[:, :3].copy())
        else:
            name = self.distortion_model.strip().lower().replace(" ", "_").replace("-", "_")
            model = _OTHER_NAMES.get(name, self.distortion_model) if any(self.d) else NONE
            matrix = np.array(self.k).reshape(3, 3)
            full = Camera(self.size, matrix, model, self.d)
        x, y, _, _ = self._region
        across, down = self._binning
        rows, columns = self.image_size
        matrix = full.matrix - np.array([[0, 0, x], [0, 0, y], [0, 0, 0]], np.float64)
        part_size = (rows * down, columns * across)
        part = Camera(part_size, matrix, full.distortion_model, full.distortion)
        return part.resized(self.image_size)

    @property
    def _region(self) -> tuple[int, int, int, int]:
        x, y, width, height = self.region
        return x, y, width or self.size[1] - x, height or self.size[0] - y

    @property
    def _binning(self) -> tuple[int, int]:
        across, down = self.binning
        return max(1, across), max(1, down)


def _is_central(x_px: float, y_px: float, size: tuple[int, int]) -> bool:
    """Return whether a principal point lies in the middle half of an image of a size."""
    height, width = size
    return width / 4 < x_px < width * 3 / 4 and height / 4 < y_px < height * 3 / 4


def _floats(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(each) for each in values)
