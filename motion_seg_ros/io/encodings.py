"""Encodings of raw images: all of sensor_msgs/image_encodings.hpp of ROS 2 Rolling."""

from __future__ import annotations

import re
import typing
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import UInt8Array


@dataclass(frozen=True)
class Layout:
    """Layout of an image in its message.

    Attributes:
        dtype: of a value.
        channels: values of a pixel.
        colour: the equivalent 8-bit colour encoding; "" where the channels are no colours.
        rows: rows of values for each row of the image: those of the chroma follow the image's.
    """

    dtype: npt.DTypeLike
    channels: int
    colour: str
    rows: Fraction = Fraction(1)

    @property
    def even(self) -> tuple[bool, bool]:
        """True if height and width must be even: neighbours share their colour."""
        return self.rows == NV_ROWS, self.rows == NV_ROWS or self.colour.startswith("yuv422")


NV_ROWS = Fraction(3, 2)
_BAYER = ("bayer_rggb", "bayer_bggr", "bayer_gbrg", "bayer_grbg")
_NAMED = {
    "mono8": Layout(np.uint8, 1, "mono8"),
    "bgr8": Layout(np.uint8, 3, "bgr8"),
    "rgb8": Layout(np.uint8, 3, "rgb8"),
    "bgra8": Layout(np.uint8, 4, "bgra8"),
    "rgba8": Layout(np.uint8, 4, "rgba8"),
    "mono16": Layout(np.uint16, 1, "mono8"),
    "bgr16": Layout(np.uint16, 3, "bgr8"),
    "rgb16": Layout(np.uint16, 3, "rgb8"),
    "bgra16": Layout(np.uint16, 4, "bgra8"),
    "rgba16": Layout(np.uint16, 4, "rgba8"),
    **{f"{pattern}8": Layout(np.uint8, 1, f"{pattern}8") for pattern in _BAYER},
    **{f"{pattern}16": Layout(np.uint16, 1, f"{pattern}8") for pattern in _BAYER},
    "yuv422": Layout(np.uint8, 2, "yuv422"),
    "uyvy": Layout(np.uint8, 2, "yuv422"),
    "yuv422_yuy2": Layout(np.uint8, 2, "yuv422_yuy2"),
    "yuyv": Layout(np.uint8, 2, "yuv422_yuy2"),
    "nv12": Layout(np.uint8, 1, "nv12", NV_ROWS),
    "nv21": Layout(np.uint8, 1, "nv21", NV_ROWS),
    "nv24": Layout(np.uint8, 1, "nv24", Fraction(3)),
}
_GENERIC = re.compile(r"(8U|8S|16U|16S|32S|32F|64F)C([1-4]?)")
"""OpenCV's types; without a number they have one channel."""
_KINDS = {"U": "u", "S": "i", "F": "f"}
_COLOURS = {1: "mono8", 3: "bgr8", 4: "bgra8"}
"""Of OpenCV's types, by channels: two have no meaning that is agreed on."""

_DEPTH = ("32F", 1)
"""Depth in metres by REP 118: not taken for a picture."""
NAMES = f"{', '.join(_NAMED)}, or OpenCV's 8UC1 to 64FC4"
"""Supported encodings, for people."""

_TO_BGR = {
    "mono8": cv2.COLOR_GRAY2BGR,
    "bgr8": None,
    "rgb8": cv2.COLOR_RGB2BGR,
    "bgra8": cv2.COLOR_BGRA2BGR,
    "rgba8": cv2.COLOR_RGBA2BGR,
    "yuv422": cv2.COLOR_YUV2BGR_UYVY,
    "yuv422_yuy2": cv2.COLOR_YUV2BGR_YUY2,
    "nv12": cv2.COLOR_YUV2BGR_NV12,
    "nv21": cv2.COLOR_YUV2BGR_NV21,
    # ROS names a mosaic by its first four pixels, OpenCV by the second and third of its second row.
    "bayer_rggb8": cv2.COLOR_BayerBG2BGR,
    "bayer_bggr8": cv2.COLOR_BayerRG2BGR,
    "bayer_gbrg8": cv2.COLOR_BayerGR2BGR,
    "bayer_grbg8": cv2.COLOR_BayerGB2BGR,
}
"""8-bit colour encodings, and OpenCV's conversion to bgr8."""
_BT_601 = np.array([[1.164, 2.018, 0], [1.164, -0.391, -0.813], [1.164, 0, 1.596]])
"""Y, U, V in studio range to blue, green, red, as in OpenCV's conversions above."""
_YUV_BLACK = (16, 128, 128)


def layout_of(encoding: str) -> Layout | None:
    """Return how an image of this encoding is stored; None where it is not known."""
    generic = _GENERIC.fullmatch(encoding)
    if generic is None:
        return _NAMED.get(encoding)
    kind, channels = generic[1], int(generic[2] or 1)
    dtype = np.dtype(f"{_KINDS[kind[-1]]}{int(kind[:-1]) // 8}")
    return Layout(dtype, channels, "" if (kind, channels) == _DEPTH else _COLOURS.get(channels, ""))


def is_mosaic(encoding: str) -> bool:
    """Return whether each pixel has one of three colours only."""
    return encoding.startswith(_BAYER)


def colours_to_bgr(pixels: UInt8Array, colour: str) -> UInt8Array:
    """Return an 8-bit image as (H, W, 3) bgr; it may be `pixels` itself.

    Args:
        pixels: as stored, without padding; of nv12, nv21 and nv24 the rows of the chroma below
            those of the image.
        colour: its encoding, see Layout.
    """
    if colour == "nv24":
        height, width = pixels.shape[0] // 3, pixels.shape[1]
        chroma = pixels[height:].reshape(height, width, 2)
        yuv = np.dstack([pixels[:height], chroma])
        matrix = np.column_stack([_BT_601, _BT_601 @ -np.array(_YUV_BLACK)])
        return typing.cast(UInt8Array, cv2.transform(yuv, matrix))
    code = _TO_BGR[colour]
    return pixels if code is None else typing.cast(UInt8Array, cv2.cvtColor(pixels, code))


def without_padding(data: Any, height: int, width_bytes: int, step: int, rows: Fraction) -> Any:
    """Return the data of an image whose rows are `step` bytes apart with rows right behind each
    other.

    Args:
        data: bytes of the image.
        height: of the image.
        width_bytes: of a row.
        step: see above; of the chroma of nv24, which is twice as wide, twice that.
        rows: see Layout.
    """
    if step == width_bytes:
        return data
    wide = 2 if rows == 3 else 1
    flat = np.frombuffer(data, np.uint8)
    image = flat[: height * step].reshape(height, step)[:, :width_bytes]
    chroma = flat[height * step :].reshape(-1, wide * step)[:, : wide * width_bytes]
    return np.concatenate([image.reshape(-1), chroma.reshape(-1)])
