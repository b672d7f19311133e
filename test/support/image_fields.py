"""Objects with the fields of sensor_msgs/Image, for code that needs no ROS."""

from __future__ import annotations

import re
from array import array
from types import SimpleNamespace
from typing import Any

import numpy as np

ENCODINGS = (
    *("mono8", "mono16", "rgb8", "bgr8", "rgba8", "bgra8", "rgb16", "bgr16", "rgba16", "bgra16"),
    *(f"bayer_{order}{bits}" for order in ("rggb", "bggr", "gbrg", "grbg") for bits in (8, 16)),
    *("yuv422", "uyvy", "yuv422_yuy2", "yuyv", "nv12", "nv21", "nv24"),
    *(
        f"{kind}C{channels}"
        for kind in ("8U", "8S", "16U", "16S", "32S", "32F", "64F")
        for channels in ("", 1, 2, 3, 4)
    ),
)
"""All of sensor_msgs/image_encodings.hpp of ROS 2 Rolling; OpenCV's without channels have one."""


def bytes_per_pixel(encoding: str) -> int:
    """Bytes of a pixel in a row, by the names of sensor_msgs/image_encodings.hpp."""
    if (match := re.fullmatch(r"(\d+)[USF]C(\d?)", encoding)) is not None:
        return int(match[1]) // 8 * int(match[2] or 1)
    size = 2 if "16" in encoding else 1
    if encoding.startswith(("bgra", "rgba")):
        return 4 * size
    if encoding.startswith(("bgr", "rgb")):
        return 3 * size
    return 2 if encoding.startswith(("yuv", "uyvy", "yuyv")) else size


def rows_of(encoding: str, height: int) -> int:
    """Rows of data, those of the chroma of semi-planar images too."""
    return {"nv12": height * 3 // 2, "nv21": height * 3 // 2, "nv24": height * 3}.get(
        encoding, height
    )


def message(pixels: np.ndarray, encoding: str, *, pad: int = 0, big: bool = False) -> Any:
    """An Image of `pixels`, rows padded with `pad` bytes of rubbish."""
    if big:
        pixels = pixels.astype(pixels.dtype.newbyteorder(">"))
    rows = [row.tobytes() + b"\xaa" * pad for row in np.ascontiguousarray(pixels)]
    return SimpleNamespace(
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=int(big),
        step=len(rows[0]),
        data=array("B", b"".join(rows)),
    )
