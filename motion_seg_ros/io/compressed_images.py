"""Decoding of compressed image messages by what their format says, without ROS.

The format is `ORIG; CODEC compressed TARGET` (sensor_msgs/CompressedImage.msg): the encoding of the
raw image, jpeg, png or tiff, and the encoding that it was converted to before compression. Nothing
stands there where it was stored as it was: a Bayer mosaic is still one, and OpenCV's encoder took
red for blue. Other senders write jpeg or png alone.
"""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy.typing as npt

from motion_seg_ros.errors import FrameError, shown
from motion_seg_ros.io.encodings import is_mosaic, layout_of
from motion_seg_ros.io.image_decoding import decode_image

_CHANNELS = {1: "mono8", 3: "bgr8", 4: "bgra8"}
"""How OpenCV decodes an image, by its channels."""
_RED_FIRST = {"bgr8": "rgb8", "bgra8": "rgba8"}


class CompressedImageMessage(Protocol):
    """Fields of sensor_msgs/CompressedImage."""

    format: str
    data: Any


def decompressed(msg: CompressedImageMessage) -> tuple[npt.NDArray[Any], str]:
    """Return the pixels of a compressed image, and the 8-bit colour encoding that they are in.

    EXIF orientation is ignored.

    Returns:
        (H, W) or (H, W, C) of any type, and a colour of encodings.Layout.

    Raises:
        FrameError: it is damaged, or is compressed in another way than as JPEG, PNG, TIFF or WebP.
    """
    original, _, how = msg.format.partition(";")
    words = how.split()
    if "compressedDepth" in (*words, original.strip()):
        raise FrameError(
            f"image: expected a camera image, found compressed depth ({shown(msg.format)})",
            "remap image to the colour topic and depth to this one",
            "choose the colour topic with --topic, and give this one as --depth-topic",
        )
    data = bytes(msg.data)
    others = not {"tiff", "webp"}.isdisjoint((*words, original.strip()))
    try:
        pixels = decode_image(data, cv2.IMREAD_UNCHANGED, camera_only=not others)
    except ValueError as error:
        raise FrameError(
            f"image: expected a whole JPEG or PNG, found {len(data)} bytes of format "
            f"{shown(msg.format)}, {error}",
            "check the image_transport publisher",
        ) from error
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels not in _CHANNELS:
        raise FrameError(
            f"image: expected 1, 3 or 4 channels, found {channels} in {shown(msg.format)}",
            "send jpeg or png",
        )
    return pixels, _colour(_CHANNELS[channels], original.strip(), words)


def _colour(decoded: str, original: str, words: list[str]) -> str:
    """Return the 8-bit colour encoding of decoded pixels.

    Args:
        decoded: the one by their channels.
        original: encoding of the raw image; a codec where the format is nothing else.
        words: what follows it: codec, "compressed", and the encoding before compression if it was
            converted.
    """
    stored = words[2] if len(words) > 2 else original if words else ""
    layout = layout_of(stored)
    if layout is None:
        return decoded
    if decoded == "mono8":
        return layout.colour if is_mosaic(stored) else decoded
    return _RED_FIRST[decoded] if stored.startswith("rgb") else decoded
