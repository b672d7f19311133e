"""Conversion of image messages to arrays, without ROS: any object with the fields will do.

Messages are validated here, once: one that passes holds exactly the pixels that it announces.
Encodings are defined in sensor_msgs/image_encodings.hpp. Depth: depth_messages.py.
"""

from __future__ import annotations

import sys
import typing
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import FrameError, shown
from motion_seg_ros.io.image_decoding import decode_image
from motion_seg_ros.io.value_range import ValueRange, full_range, scaled
from motion_seg_ros.types import UInt8Array


class ImageMessage(Protocol):
    """Fields of sensor_msgs/Image; `data` has the buffer protocol."""

    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: Any


class CompressedImageMessage(Protocol):
    """Fields of sensor_msgs/CompressedImage."""

    format: str
    data: Any


@dataclass(frozen=True)
class PackedImage:
    """A validated image message: rows without padding, in this machine's byte order."""

    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: Any

    @property
    def array(self) -> npt.NDArray[Any]:
        """Pixels as stored, (H, W) or (H, W, C), a read-only view."""
        layout = _LAYOUTS[self.encoding]
        shape = (self.height, self.width) + ((layout.channels,) if layout.channels > 1 else ())
        pixels = np.frombuffer(self.data, layout.dtype).reshape(shape)
        pixels.flags.writeable = False
        return pixels


@dataclass(frozen=True)
class _Layout:
    """Storage of a pixel, and the equivalent 8-bit colour encoding ("": none)."""

    dtype: npt.DTypeLike
    channels: int
    colour: str


_BAYER = ("bayer_rggb", "bayer_bggr", "bayer_gbrg", "bayer_grbg")
_LAYOUTS = {
    "mono8": _Layout(np.uint8, 1, "mono8"),
    "8UC1": _Layout(np.uint8, 1, "mono8"),
    "bgr8": _Layout(np.uint8, 3, "bgr8"),
    "8UC3": _Layout(np.uint8, 3, "bgr8"),
    "rgb8": _Layout(np.uint8, 3, "rgb8"),
    "bgra8": _Layout(np.uint8, 4, "bgra8"),
    "8UC4": _Layout(np.uint8, 4, "bgra8"),
    "rgba8": _Layout(np.uint8, 4, "rgba8"),
    "yuv422": _Layout(np.uint8, 2, "yuv422"),
    "uyvy": _Layout(np.uint8, 2, "yuv422"),
    "yuv422_yuy2": _Layout(np.uint8, 2, "yuv422_yuy2"),
    "yuyv": _Layout(np.uint8, 2, "yuv422_yuy2"),
    "mono16": _Layout(np.uint16, 1, "mono8"),
    "16UC1": _Layout(np.uint16, 1, "mono8"),
    "bgr16": _Layout(np.uint16, 3, "bgr8"),
    "rgb16": _Layout(np.uint16, 3, "rgb8"),
    "bgra16": _Layout(np.uint16, 4, "bgra8"),
    "rgba16": _Layout(np.uint16, 4, "rgba8"),
    "32FC1": _Layout(np.float32, 1, ""),
    **{f"{pattern}8": _Layout(np.uint8, 1, f"{pattern}8") for pattern in _BAYER},
    **{f"{pattern}16": _Layout(np.uint16, 1, f"{pattern}8") for pattern in _BAYER},
}

ENCODINGS = tuple(_LAYOUTS)
"""Supported encodings."""
_TO_BGR = {
    "mono8": cv2.COLOR_GRAY2BGR,
    "bgr8": None,
    "rgb8": cv2.COLOR_RGB2BGR,
    "bgra8": cv2.COLOR_BGRA2BGR,
    "rgba8": cv2.COLOR_RGBA2BGR,
    "yuv422": cv2.COLOR_YUV2BGR_UYVY,
    "yuv422_yuy2": cv2.COLOR_YUV2BGR_YUY2,
    # ROS names a mosaic by its first four pixels, OpenCV by the second and third of its second row.
    "bayer_rggb8": cv2.COLOR_BayerBG2BGR,
    "bayer_bggr8": cv2.COLOR_BayerRG2BGR,
    "bayer_gbrg8": cv2.COLOR_BayerGR2BGR,
    "bayer_grbg8": cv2.COLOR_BayerGB2BGR,
}
"""8-bit encodings to which all others but 32FC1 are reduced, and OpenCV's conversion to bgr8."""


def is_compressed(msg: ImageMessage | CompressedImageMessage) -> bool:
    """Return True for a CompressedImage."""
    return hasattr(msg, "format")


def encoding_of(msg: ImageMessage | CompressedImageMessage) -> str:
    """Return the encoding of an Image, or the format of a CompressedImage."""
    return str(getattr(msg, "format", None) or getattr(msg, "encoding", ""))


def image_size(msg: ImageMessage) -> tuple[int, int]:
    """Return height and width of an image message that holds as many pixels as it announces.

    Raises:
        FrameError: as `pack`.
    """
    _check(msg)
    return msg.height, msg.width


def pack(msg: ImageMessage) -> PackedImage:
    """Validate an image message; copies only to remove padding or to swap bytes.

    Raises:
        FrameError: zero size, unknown encoding, a step shorter than a row, or data that is not
            height * step bytes.
    """
    row_bytes, item_bytes = _check(msg)
    data = msg.data
    if msg.step != row_bytes:
        rows = np.frombuffer(data, np.uint8).reshape(msg.height, msg.step)
        data = np.ascontiguousarray(rows[:, :row_bytes]).reshape(-1)
    if item_bytes > 1 and bool(msg.is_bigendian) != (sys.byteorder == "big"):
        data = np.frombuffer(data, f"u{item_bytes}").byteswap().view(np.uint8)
    native = int(sys.byteorder == "big")
    return PackedImage(msg.height, msg.width, msg.encoding, native, row_bytes, data)


def _check(msg: ImageMessage) -> tuple[int, int]:
    """Validate an image message; return the bytes of a row without padding and of a value.

    Raises:
        FrameError: see `pack`.
    """
    size = f"{msg.width}x{msg.height}"
    if msg.height <= 0 or msg.width <= 0:  # before the encoding, which an empty message lacks too
        raise FrameError(
            f"image: expected at least one pixel, found {size}", "check the camera driver"
        )
    layout = _LAYOUTS.get(msg.encoding)
    if layout is None:
        raise FrameError(
            f"image: expected an encoding out of {', '.join(ENCODINGS)}, found "
            f"{shown(msg.encoding)}",
            "convert it before, for example with image_proc",
            "play it through a converter, such as image_proc, and record its output",
        )
    if layout.channels == 2 and msg.width % 2:
        raise FrameError(
            f"image: expected an even width for {msg.encoding}, found {size}",
            "check the camera driver",
        )
    item_bytes = np.dtype(layout.dtype).itemsize
    row_bytes = msg.width * layout.channels * item_bytes
    if msg.step < row_bytes:
        raise FrameError(
            f"image: expected a step of at least {row_bytes} bytes for {size} {msg.encoding}, "
            f"found {msg.step}",
            "the publisher must set step to the bytes of a row",
        )
    found = memoryview(msg.data).nbytes
    if found != msg.height * msg.step:
        kind = "truncated" if found < msg.height * msg.step else "too long"
        raise FrameError(
            f"image: expected {msg.height * msg.step} bytes of data (height {msg.height} * step "
            f"{msg.step}), found {found}: {kind}",
            "check the camera driver and the transport",
        )
    return row_bytes, item_bytes


def image_to_array(msg: ImageMessage) -> npt.NDArray[Any]:
    """Return the pixels as stored: (H, W) or (H, W, C) uint8, uint16 or float32, read-only.

    Raises:
        FrameError: as `pack`.
    """
    return pack(msg).array


def image_to_bgr(
    msg: ImageMessage | CompressedImageMessage, values: ValueRange | None = None
) -> UInt8Array:
    """Return the image as (H, W, 3) uint8 bgr; it may share memory with the message.

    Args:
        msg: the image.
        values: range of the stream's values, which those of more than 8 bits are shown by; None:
            that of their type, so 16-bit values become round(value * 255 / 65535).

    Raises:
        FrameError: the message is damaged, or is not a camera image.
    """
    if is_compressed(msg):
        return _decompress(typing.cast(CompressedImageMessage, msg), values)
    image = pack(typing.cast(ImageMessage, msg))
    layout = _LAYOUTS[image.encoding]
    if not layout.colour:
        raise FrameError(
            f"image: expected a camera image, found the depth encoding {image.encoding}",
            "remap image to the colour topic and depth to this one",
            "choose the colour topic with --topic, and give this one as --depth-topic",
        )
    pixels = _to_8_bit(image.array, values)
    code = _TO_BGR[layout.colour]
    return pixels if code is None else typing.cast(UInt8Array, cv2.cvtColor(pixels, code))


def _to_8_bit(pixels: npt.NDArray[Any], values: ValueRange | None) -> UInt8Array:
    if pixels.dtype == np.uint8:
        return pixels
    if values is None:
        return scaled(pixels, full_range(pixels.dtype))
    return values.to_8_bit(pixels)


def _decompress(msg: CompressedImageMessage, values: ValueRange | None) -> UInt8Array:
    """Decode a JPEG or PNG to (H, W, 3) uint8 bgr, ignoring its EXIF orientation."""
    data = np.frombuffer(msg.data, np.uint8)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = decode_image(data.tobytes(), flags, camera_only=True)
    except ValueError as error:
        raise FrameError(
            f"image: expected a whole JPEG or PNG, found {data.size} bytes of format "
            f"{shown(msg.format)}, {error}",
            "check the image_transport publisher",
        ) from error
    return _to_8_bit(image, values)
