"""Message <-> array for the node: the one place that knows cv_bridge.

Checks and layouts are those of io.image_messages; only the colours are converted by cv_bridge,
where it is installed and works, else by rosbags-image. Both give the same arrays.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import typing
from array import array
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from motion_seg_ros.io.image_messages import PackedImage, ToBgr, rosbags_to_bgr
from motion_seg_ros.types import UInt8Array

_FROM_BGR = {
    "bgr8": None,
    "8UC3": None,
    "rgb8": cv2.COLOR_BGR2RGB,
    "bgra8": cv2.COLOR_BGR2BGRA,
    "rgba8": cv2.COLOR_BGR2RGBA,
    "mono8": cv2.COLOR_BGR2GRAY,
}
"""The encodings images are sent in, and OpenCV's conversion to them."""


@dataclass(frozen=True)
class ColourConversion:
    """What converts the colours of incoming images.

    Attributes:
        name: cv_bridge or rosbags-image.
        to_bgr: the conversion.
        note: why it is not cv_bridge although cv_bridge is installed; None otherwise.
    """

    name: str
    to_bgr: ToBgr
    note: str | None = None


def choose_conversion() -> ColourConversion:
    """cv_bridge if it imports and converts an image correctly, else rosbags-image.

    A cv_bridge that was compiled for another numpy imports without complaint, and fails at the
    first conversion, after printing a page to stderr: so a tiny image is converted here, and the
    page withheld.
    """
    red = PackedImage(1, 1, "rgb8", 0, 3, np.array([255, 0, 0], np.uint8))
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            bridge = importlib.import_module("cv_bridge").CvBridge()
            converted = bridge.imgmsg_to_cv2(red, "bgr8")
        if converted.tolist() != [[[0, 0, 255]]]:
            raise ValueError(f"it turned red into bgr {converted.tolist()}")
    except ModuleNotFoundError as error:
        note = None if error.name == "cv_bridge" else _one_line(error)
    except (
        Exception
    ) as error:  # ImportError, AttributeError, SystemError: whatever numpy's ABI does
        note = _one_line(error)
    else:

        def to_bgr(image: PackedImage) -> npt.NDArray[np.uint8]:
            return typing.cast("npt.NDArray[np.uint8]", bridge.imgmsg_to_cv2(image, "bgr8"))

        return ColourConversion("cv_bridge", to_bgr)
    return ColourConversion("rosbags-image", rosbags_to_bgr, note)


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def array_to_image(pixels: npt.NDArray[Any], encoding: str, header: Header) -> Image:
    """An Image message of `pixels`, (H, W) or (H, W, C), in this machine's byte order."""
    contiguous = np.ascontiguousarray(pixels)
    # rclpy takes an array("B") as it is, but checks a numpy array's values one by one.
    data = array("B")
    data.frombytes(contiguous.reshape(-1).view(np.uint8).data)
    return Image(
        header=header,
        height=contiguous.shape[0],
        width=contiguous.shape[1],
        encoding=encoding,
        is_bigendian=int(contiguous.dtype.byteorder == ">" or not np.little_endian),
        step=contiguous.strides[0],
        data=data,
    )


def bgr_to_image(image_bgr: UInt8Array, encoding: str, header: Header) -> Image:
    """An Image of (H, W, 3) uint8 bgr: in `encoding` if images are sent in it, else in bgr8."""
    code = _FROM_BGR.get(encoding)
    pixels = image_bgr if code is None else cv2.cvtColor(image_bgr, code)
    return array_to_image(pixels, encoding if encoding in _FROM_BGR else "bgr8", header)
