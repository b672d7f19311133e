"""Conversion of arrays to image messages; io.image_messages converts the other way."""

from __future__ import annotations

from array import array
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from motion_seg_ros.types import UInt8Array

_FROM_BGR = {
    "bgr8": None,
    "8UC3": None,
    "rgb8": cv2.COLOR_BGR2RGB,
    "bgra8": cv2.COLOR_BGR2BGRA,
    "8UC4": cv2.COLOR_BGR2BGRA,
    "rgba8": cv2.COLOR_BGR2RGBA,
    "mono8": cv2.COLOR_BGR2GRAY,
    "8UC1": cv2.COLOR_BGR2GRAY,
}
"""Encodings of outgoing images, and OpenCV's conversion to them."""

_PNG = (cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE, cv2.IMWRITE_PNG_COMPRESSION, 1)
"""Run lengths: of zlib's strategies the smallest for masks, and as fast as the fastest."""


def array_to_image(pixels: npt.NDArray[Any], encoding: str, header: Header) -> Image:
    """Convert `pixels`, (H, W) or (H, W, C), to an Image in native byte order."""
    contiguous = np.ascontiguousarray(pixels)
    return Image(
        header=header,
        height=contiguous.shape[0],
        width=contiguous.shape[1],
        encoding=encoding,
        is_bigendian=int(contiguous.dtype.byteorder == ">" or not np.little_endian),
        step=contiguous.strides[0],
        data=_bytes(contiguous),
    )


def array_to_png(pixels: npt.NDArray[Any], encoding: str, header: Header) -> CompressedImage:
    """Compress `pixels`, (H, W) mono8 or mono16, without loss, as compressed_image_transport does.

    Its subscriber takes the encoding from what stands before the semicolon of `format`.
    """
    _, png = cv2.imencode(".png", pixels, _PNG)
    return CompressedImage(
        header=header, format=f"{encoding}; png compressed ", data=_bytes(np.asarray(png, np.uint8))
    )


def bgr_to_image(image_bgr: UInt8Array, encoding: str, header: Header) -> Image:
    """Convert (H, W, 3) uint8 bgr to an Image in `encoding`, or in bgr8 if it is not supported."""
    code = _FROM_BGR.get(encoding)
    pixels = image_bgr if code is None else cv2.cvtColor(image_bgr, code)
    return array_to_image(pixels, encoding if encoding in _FROM_BGR else "bgr8", header)


def _bytes(contiguous: npt.NDArray[Any]) -> array[int]:
    """Copy an array for a message: rclpy checks the values of a numpy array one by one."""
    data = array("B")
    data.frombytes(contiguous.reshape(-1).view(np.uint8).data)
    return data
