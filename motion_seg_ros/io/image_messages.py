"""Conversion of image messages to arrays, without ROS: any object with the fields will do.

Messages are validated here, once: one that passes holds exactly the pixels that it announces.
Encodings: encodings.py; compressed images: compressed_images.py; depth: depth_messages.py.
"""

from __future__ import annotations

import sys
import typing
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import FrameError, shown
from motion_seg_ros.io.compressed_images import CompressedImageMessage, decompressed
from motion_seg_ros.io.encodings import (
    NAMES,
    Layout,
    colours_to_bgr,
    layout_of,
    without_padding,
)
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
        """Pixels as stored, (H, W) or (H, W, C), a read-only view; of nv12, nv21 and nv24 with the
        rows of the chroma below those of the image."""
        layout = layout_of(self.encoding)
        assert layout is not None  # pack has looked
        rows = int(self.height * layout.rows)
        shape = (rows, self.width) + ((layout.channels,) if layout.channels > 1 else ())
        pixels = np.frombuffer(self.data, layout.dtype).reshape(shape)
        pixels.flags.writeable = False
        return pixels


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
    layout, row_bytes, step = _check(msg)
    data = without_padding(msg.data, msg.height, row_bytes, step, layout.rows)
    item_bytes = np.dtype(layout.dtype).itemsize
    if item_bytes > 1 and bool(msg.is_bigendian) != (sys.byteorder == "big"):
        data = np.frombuffer(data, f"u{item_bytes}").byteswap().view(np.uint8)
    native = int(sys.byteorder == "big")
    return PackedImage(msg.height, msg.width, msg.encoding, native, row_bytes, data)


def _check(msg: ImageMessage) -> tuple[Layout, int, int]:
    """Validate an image message; return its layout, and the bytes of a row and from row to row.

    Raises:
        FrameError: see `pack`.
    """
    size = f"{msg.width}x{msg.height}"
    if msg.height <= 0 or msg.width <= 0:  # before the encoding, which an empty message lacks too
        raise FrameError(
            f"image: expected at least one pixel, found {size}", "check the camera driver"
        )
    layout = layout_of(msg.encoding)
    if layout is None:
        raise FrameError(
            f"image: expected an encoding out of {NAMES}, found {shown(msg.encoding)}",
            "convert it before, for example with image_proc",
            "play it through a converter, such as image_proc, and record its output",
        )
    for number, even, name in zip(
        (msg.height, msg.width), layout.even, ("height", "width"), strict=True
    ):
        if even and number % 2:
            raise FrameError(
                f"image: expected an even {name} for {msg.encoding}, found {size}",
                "check the camera driver",
            )
    row_bytes = msg.width * layout.channels * np.dtype(layout.dtype).itemsize
    rows = int(msg.height * layout.rows)
    found = memoryview(msg.data).nbytes
    if (layout.rows > 1 or msg.step < row_bytes) and found == rows * row_bytes:
        return layout, row_bytes, row_bytes  # some drivers set step wrong, and send all the pixels
    if msg.step < row_bytes:
        raise FrameError(
            f"image: expected a step of at least {row_bytes} bytes for {size} {msg.encoding}, "
            f"found {msg.step}",
            "the publisher must set step to the bytes of a row",
        )
    if found != rows * msg.step:
        kind = "truncated" if found < rows * msg.step else "too long"
        raise FrameError(
            f"image: expected {rows * msg.step} bytes of data (height {rows} * step "
            f"{msg.step}), found {found}: {kind}",
            "check the camera driver and the transport",
        )
    return layout, row_bytes, msg.step


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
        pixels, colour = decompressed(typing.cast(CompressedImageMessage, msg))
    else:
        image = pack(typing.cast(ImageMessage, msg))
        pixels, colour = image.array, _colour(image.encoding)
    if pixels.dtype != np.uint8:
        pixels = (
            scaled(pixels, full_range(pixels.dtype)) if values is None else values.to_8_bit(pixels)
        )
    return colours_to_bgr(pixels, colour)


def _colour(encoding: str) -> str:
    """Return the 8-bit colour encoding of an image.

    Raises:
        FrameError: it is no picture.
    """
    layout = layout_of(encoding)
    assert layout is not None  # pack has looked
    if layout.channels == 1 and not layout.colour:
        raise FrameError(
            f"image: expected a camera image, found the depth encoding {encoding}",
            "remap image to the colour topic and depth to this one",
            "choose the colour topic with --topic, and give this one as --depth-topic",
        )
    if not layout.colour:
        raise FrameError(
            f"image: expected a picture, found {layout.channels} channels without a meaning "
            f"({encoding})",
            "remap image to a picture, or convert it before",
            "choose another topic with --topic",
        )
    return layout.colour
