"""Dense optical flow at working resolution, computed once per pair of frames and shared.

Tracker and masks share one DenseFlow, which caches the flows of the newest frame of the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import FloatArray, UInt8Array
from motion_seg_ros.window import Window

AnyArray = npt.NDArray[Any]

MIN_WORKING_SIDE_PX = 32  # the pyramid of DIS needs about as much; set by hand


@dataclass(frozen=True, eq=False)
class WorkingImage:
    """One frame at working resolution.

    Attributes:
        bgr: (h, w, 3) uint8.
        gray: (h, w) uint8.
    """

    bgr: UInt8Array
    gray: UInt8Array


def working_size(size: tuple[int, int], max_side_px: int) -> tuple[int, int]:
    """Return the height and width of the working image of an image of `size` = (H, W).

    They are at most half the image's and `max_side_px`, but at least MIN_WORKING_SIDE_PX unless the
    image is smaller.
    """
    height, width = size
    scale = min(0.5, max_side_px / max(size))
    scale = max(scale, min(1.0, MIN_WORKING_SIDE_PX / min(size)))
    return max(1, round(height * scale)), max(1, round(width * scale))


def resized(xy: FloatArray, size: tuple[int, int], new_size: tuple[int, int]) -> FloatArray:
    """Convert pixel coordinates of an image of `size` = (H, W) to those of the image resized to
    `new_size`.

    Args:
        xy: (..., 2) float32, x right, y down, (0, 0) = centre of the top-left pixel.
    """
    factor = np.array([new_size[1] / size[1], new_size[0] / size[0]], np.float32)
    return np.asarray((xy + np.float32(0.5)) * factor - np.float32(0.5), np.float32)


def pixel_grid(size: tuple[int, int]) -> FloatArray:
    """Return (h, w, 2) float32: x, y of every pixel."""
    height, width = size
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.dstack((x, y))


def sample(field: FloatArray, xy: FloatArray) -> FloatArray:
    """Sample `field` (h, w) or (h, w, C) bilinearly at `xy` (N, 2) pixels, clamped to the border.

    Returns:
        (N,) or (N, C) float32.
    """
    if len(xy) == 0:
        return np.zeros((0, *field.shape[2:]), np.float32)
    return warp(field, np.ascontiguousarray(xy, np.float32)[:, None])[:, 0]


def remap(
    field: AnyArray, xy: FloatArray, *, outside: float | None = None, nearest: bool = False
) -> AnyArray:
    """Look up `field` (h, w) or (h, w, C) at `xy` pixels; return an array of the field's type.

    Args:
        field: uint8, uint16 or float32.
        xy: (rows, columns, 2).
        outside: the value beyond the border; None repeats the border's.
        nearest: take the nearest pixel instead of interpolating linearly.
    """
    # Two separate maps: OpenCV 5.0.0 interpolates float images wrongly by one map of two channels.
    return cv2.remap(
        field,
        np.ascontiguousarray(xy[..., 0], np.float32),
        np.ascontiguousarray(xy[..., 1], np.float32),
        cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT,
        borderValue=(outside or 0.0,) * 4,
    )


def warp(field: FloatArray, xy: FloatArray, outside: float | None = None) -> FloatArray:
    """Remap a float32 field linearly."""
    return np.asarray(remap(field, xy, outside=outside), np.float32)


def gradient_magnitude(gray: UInt8Array) -> FloatArray:
    """Return (h, w) float32 grey levels per pixel."""
    gx = cv2.Sobel(gray, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(gray, cv2.CV_32F, 0, 1, scale=1 / 8)
    # Not cv2.magnitude, whose last bit depends on where in memory its arguments lie.
    return np.asarray(np.sqrt(gx * gx + gy * gy), np.float32)


class DenseFlow:
    """DIS optical flow (Kroeger et al., ECCV 2016) between frames of a window.

    Args:
        max_side_px: greatest side of the working images, which are at most half the frames' size.
    """

    def __init__(self, max_side_px: int) -> None:
        self._max_side_px = max_side_px
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        # Two thirds of the preset's time, with masks as good on real clips; set by hand.
        self._dis.setPatchStride(4)
        self._dis.setGradientDescentIterations(16)
        self._dis.setVariationalRefinementIterations(3)
        self._images: dict[int, WorkingImage] = {}
        self._flows: dict[tuple[int, int], FloatArray] = {}

    def size(self, window: Window) -> tuple[int, int]:
        """Return the height and width of the working images."""
        return working_size(window.newest.size, self._max_side_px)

    def image(self, window: Window, age: int = 0) -> WorkingImage:
        """Return the frame `age` frames before the newest at working resolution."""
        self._forget(window)
        index = window.newest_index - age
        if index not in self._images:
            height, width = self.size(window)
            frame = window.frames[-1 - age].image_bgr
            bgr = np.asarray(
                cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8
            )
            gray = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)
            self._images[index] = WorkingImage(bgr, gray)
        return self._images[index]

    def backward(self, window: Window, gap: int) -> FloatArray:
        """Return (h, w, 2) float32 flow from the newest frame to the one `gap` frames before, in
        working pixels."""
        return self._between(window, 0, gap)

    def forward(self, window: Window) -> FloatArray:
        """Return (h, w, 2) float32 flow from the frame before to the newest one, in working
        pixels."""
        return self._between(window, 1, 0)

    def _between(self, window: Window, from_age: int, to_age: int) -> FloatArray:
        start, end = self.image(window, from_age), self.image(window, to_age)
        key = (window.newest_index - from_age, window.newest_index - to_age)
        if key not in self._flows:
            no_motion = np.zeros((*start.gray.shape, 2), np.float32)
            flow = self._dis.calc(start.gray, end.gray, no_motion)
            self._flows[key] = np.asarray(flow, np.float32)
        return self._flows[key]

    def _forget(self, window: Window) -> None:
        """Drop what has left the window, and flows that do not touch the newest frame."""
        for index in [i for i in self._images if i < window.first_index]:
            del self._images[index]
        for key in [k for k in self._flows if max(k) < window.newest_index]:
            del self._flows[key]
