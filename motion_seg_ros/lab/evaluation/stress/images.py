"""Images (H, W, 3) uint8 as worse cameras and links would give them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import FloatArray, UInt8Array

_WHITE = 255.0
_SAMPLES_PER_PX = 16  # of the line of a blur; set by hand


def blur_kernel(length_px: float, direction: float) -> FloatArray:
    """Return the point spread (K, K) float32 of a straight line, sum 1, K odd.

    Args:
        length_px: of the line, whose middle is the middle of the kernel.
        direction: in radians, from x (right) towards y (down).
    """
    reach = int(np.ceil(length_px / 2))
    count = max(1, round(length_px * _SAMPLES_PER_PX))
    along = ((np.arange(count) + 0.5) / count - 0.5) * length_px
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    x, y = along * np.cos(direction) + reach, along * np.sin(direction) + reach
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for column, across in ((left, 1 - (x - left)), (left + 1, x - left)):
        for row, down in ((top, 1 - (y - top)), (top + 1, y - top)):
            inside = (across > 0) & (down > 0) & (row <= 2 * reach) & (column <= 2 * reach)
            np.add.at(kernel, (row[inside], column[inside]), (across * down)[inside])
    return np.asarray(kernel / kernel.sum(), np.float32)


def with_motion_blur(image: UInt8Array, length_px: float, direction: float) -> UInt8Array:
    """Blur along a straight line; beyond the image lies its outermost pixel. See `blur_kernel`."""
    kernel = blur_kernel(length_px, direction)
    blurred = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.uint8)


def with_noise(image: UInt8Array, sd_levels: float, rng: np.random.Generator) -> UInt8Array:
    """Add Gaussian noise of a standard deviation in grey levels to each pixel and channel."""
    noise = rng.standard_normal(image.shape, np.float32) * np.float32(sd_levels)
    return _as_levels(image + noise)


def in_low_light(
    image: UInt8Array, electrons_at_white: float, brightness: float, rng: np.random.Generator
) -> UInt8Array:
    """Count the photoelectrons of each pixel and channel, and show them by a gain.

    Args:
        image: grey levels are proportional to light.
        electrons_at_white: expected number of electrons of level 255.
        brightness: of the shown image, as a share of the given one's.
        rng: source of the shot noise.
    """
    electrons = rng.poisson(image * (electrons_at_white / _WHITE))
    return _as_levels(electrons * (_WHITE * brightness / electrons_at_white))


def as_jpeg(image: UInt8Array, quality: int) -> UInt8Array:
    """Encode as JPEG and decode again."""
    _, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)


def _as_levels(values: npt.NDArray[np.floating]) -> UInt8Array:
    return np.asarray(np.clip(np.rint(values), 0, _WHITE), np.uint8)
