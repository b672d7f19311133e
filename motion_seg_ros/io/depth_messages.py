"""Conversion of depth messages to arrays, without ROS: any object with the fields will do.

Encodings: REP 118. Compressed ones are those of compressed_depth_image_transport
(https://github.com/ros-perception/image_transport_plugins): a format such as
"16UC1; compressedDepth png", and 12 bytes before the PNG, of which the last 8 are two float32, a
and b: a 32FC1 depth is stored as 16-bit v = a / depth + b, with 0 where it is unknown.
"""

from __future__ import annotations

import re
import struct
import typing
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import FrameError, shown
from motion_seg_ros.io.compressed_images import CompressedImageMessage
from motion_seg_ros.io.image_decoding import decode_image
from motion_seg_ros.io.image_messages import (
    ImageMessage,
    encoding_of,
    image_to_array,
    is_compressed,
)
from motion_seg_ros.types import FloatArray

DEPTH_ENCODINGS = ("16UC1", "mono16", "32FC1")
"""Encodings of depth images: millimetres for the first two, metres for the last (REP 118)."""
COMPRESSED_DEPTH = "compressedDepth"
"""Name of the transport, which its topics end in."""

_DEPTH_NAME = re.compile(r"(^|[/_])depth([/_]|$)")
_HEADER = struct.Struct("<iff")
_FORMATS = ("", COMPRESSED_DEPTH, f"{COMPRESSED_DEPTH} png")
"""Behind the encoding; early versions wrote no more than that."""


def depth_to_metres(msg: ImageMessage | CompressedImageMessage) -> FloatArray:
    """Return depth as (H, W) float32 metres along the optical axis, NaN where unknown (REP 118).

    16UC1 is millimetres with 0 = unknown; in 32FC1 values not positive and finite are unknown.

    Raises:
        FrameError: as `depth_as_stored`.
    """
    return stored_to_metres(depth_as_stored(msg))


def stored_to_metres(stored: npt.NDArray[Any], per_metre: float = 1000.0) -> FloatArray:
    """Return stored depth (H, W) as float32 metres, NaN where unknown.

    Args:
        stored: uint16 with 0 = unknown; or float32 metres, where what is not positive and finite
            is.
        per_metre: uint16 units of a metre.
    """
    if stored.dtype == np.uint16:
        metres: FloatArray = stored.astype(np.float32) / np.float32(per_metre)
        known = stored > 0
    else:
        metres = stored.astype(np.float32)
        known = np.isfinite(stored) & (stored > 0)
    metres[~known] = np.nan
    return metres


def depth_encoding(msg: ImageMessage | CompressedImageMessage) -> str:
    """Return the encoding of a depth image, whether compressed or not."""
    return encoding_of(msg).partition(";")[0].strip()


def check_picture(topic: str, msg: ImageMessage | CompressedImageMessage) -> None:
    """Refuse a depth image that is given as the picture; 16-bit images alone may be of a thermal
    camera, so the topic's name decides.

    Args:
        topic: of the message.
        msg: given as the picture.

    Raises:
        FrameError: it is a depth image.
    """
    named_so = _DEPTH_NAME.search(topic) is not None and depth_encoding(msg) in DEPTH_ENCODINGS
    if named_so or COMPRESSED_DEPTH in encoding_of(msg):
        raise FrameError(
            f"image: expected a camera image, found depth ({shown(encoding_of(msg))}) on {topic}",
            "remap image to the colour topic and depth to this one",
            "choose the colour topic with --topic, and give this one as --depth-topic",
        )


def depth_as_stored(msg: ImageMessage | CompressedImageMessage) -> npt.NDArray[Any]:
    """Return the pixels (H, W) of a depth image: uint16, or float32 for 32FC1.

    Raises:
        FrameError: the message is damaged, its encoding is not one of DEPTH_ENCODINGS, or it is
            compressed in another way than as PNG.
    """
    if depth_encoding(msg) not in DEPTH_ENCODINGS:
        raise FrameError(
            f"depth: expected an encoding out of {', '.join(DEPTH_ENCODINGS)}, "
            f"found {shown(encoding_of(msg))}; remap depth to the depth image"
        )
    if is_compressed(msg):
        return _decompressed(typing.cast(CompressedImageMessage, msg))
    return image_to_array(typing.cast(ImageMessage, msg))


def _decompressed(msg: CompressedImageMessage) -> npt.NDArray[Any]:
    how = msg.format.partition(";")[2].strip()
    if how not in _FORMATS:
        raise FrameError(
            f"depth: expected compressedDepth as png, found {shown(msg.format)}; set format to png "
            "where it is published, or send raw depth"
        )
    data = bytes(msg.data)
    try:
        stored = decode_image(data[_HEADER.size :], cv2.IMREAD_UNCHANGED, camera_only=True)
    except ValueError as error:
        raise FrameError(
            f"depth: expected a header of {_HEADER.size} bytes and a whole PNG, found "
            f"{len(data)} bytes of format {shown(msg.format)}, {error}; check the publisher"
        ) from error
    if stored.dtype != np.uint16 or stored.ndim != 2:
        raise FrameError(
            f"depth: expected a PNG of one channel of 16 bits, found {stored.dtype} "
            f"{stored.shape}; check the publisher"
        )
    if depth_encoding(msg) != "32FC1":
        return stored
    _, a, b = _HEADER.unpack_from(data)
    with np.errstate(all="ignore"):
        metres = np.float32(a) / (stored.astype(np.float32) - np.float32(b))
    metres[stored == 0] = np.nan
    return np.asarray(metres, np.float32)
