"""Coordinates of pixels, and fields looked up at them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import FloatArray, UInt8Array

AnyArray = npt.NDArray[Any]


def resized(xy: FloatArray, size: tuple[int, int], new_size: tuple[int, int]) -> FloatArray:
    """Convert pixel coordinates of an image of `size` = (H, W) to those of the image resized to
    `new_size`.

    Args:
        xy: (..., 2) float32, x right, y down, (0, 0) = centre of the top-left pixel.
    """
    factor = np.array([new_size[1] / size[1], new_size[0] / size[0]], np.float32)
    return np.asarray((xy + np.float32(0.5)) * factor - np.float32(0.5), np.float32)


@lru_cache(maxsize=8)  # the sizes of one stream; set by hand
def pixel_grid(size: tuple[int, int]) -> FloatArray:
    """Return (h, w, 2) float32: x, y of every pixel; shared, so not to be written to."""
    height, width = size
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    grid = np.dstack((x, y))
    grid.flags.writeable = False
    return grid


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


def squared_length(vectors: FloatArray) -> FloatArray:
    """Return x x + y y (h, w) of vectors (h, w, 2)."""
    x, y = vectors[..., 0], vectors[..., 1]  # NumPy's sums along so short an axis are slow
    return x * x + y * y


def gradient_magnitude(gray: UInt8Array) -> FloatArray:
    """Return (h, w) float32 grey levels per pixel."""
    gx = cv2.Sobel(gray, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(gray, cv2.CV_32F, 0, 1, scale=1 / 8)
    # Not cv2.magnitude, whose last bit depends on where in memory its arguments lie.
    return np.asarray(np.sqrt(gx * gx + gy * gy), np.float32)
