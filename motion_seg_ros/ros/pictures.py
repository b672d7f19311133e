"""Messages that show a frame's pixels: overlay, static image and static depth."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Collection, Iterator

import numpy as np
from sensor_msgs.msg import Image

from motion_seg_ros.io.depth_messages import depth_as_stored, depth_encoding
from motion_seg_ros.outputs.overlay import draw_overlay
from motion_seg_ros.outputs.static_image import StaticImage, static_depth
from motion_seg_ros.ros.conversion import array_to_image, bgr_to_image
from motion_seg_ros.ros.frames import FrameOutput
from motion_seg_ros.types import Frame

UNKNOWN_GREY = 128
"""Value of pixels that are not known: an even grey has no features to track."""


class PictureMessages:
    """Makes the pictures of each frame that somebody wants.

    A frame whose pixels were let go to save memory has the masks of the last result unchanged, and
    so are its pictures: static image and static depth are those of the last frame with pixels,
    repeated, and the overlay is drawn on that frame. If there was none of its size and encoding
    since the last reset, the static image is an even grey.
    """

    def __init__(self) -> None:
        self._static_image = StaticImage()
        self._shown: FrameOutput | None = None
        self._repeatable: dict[str, Image] = {}

    def make(self, output: FrameOutput, wanted: Collection[str]) -> Iterator[tuple[str, Image]]:
        """Yield name and message of the pictures of a frame.

        Args:
            output: each output of the stream in turn.
            wanted: names of the topics somebody listens to.
        """
        shown = self._frame_to_show(output)
        header = output.input.header
        if "overlay" in wanted:
            drawn = draw_overlay(dataclasses.replace(output.result, frame=shown.result.frame))
            yield "overlay", array_to_image(drawn, "bgr8", header)
        if "static_image" not in wanted:
            self._static_image.reset()  # frames would be missing from its history
        for name, make in (("static_image", self._static), ("static_depth", _static_depth)):
            if name not in wanted:
                continue
            message = self._repeatable.get(name) or make(shown)
            if message is not None:
                self._repeatable[name] = message
                message = copy.copy(message)
                message.header = header
                yield name, message

    def _frame_to_show(self, output: FrameOutput) -> FrameOutput:
        """Return the output itself, or the last one with pixels if it has none."""
        received, result = output.input, output.result
        shown = self._shown
        if received.image is None and result.reset_reason is None and shown is not None:
            same_size = shown.result.frame.size == result.frame.size
            if same_size and shown.input.encoding == received.encoding:
                return shown
        self._repeatable.clear()
        if received.image is not None:
            self._shown = output
            return output
        self._shown = None
        grey = np.full((*result.frame.size, 3), UNKNOWN_GREY, np.uint8)
        unknown = Frame(grey, result.frame.stamp_ns)
        return dataclasses.replace(output, result=dataclasses.replace(result, frame=unknown))

    def _static(self, shown: FrameOutput) -> Image:
        filled = self._static_image.fill(shown.result)
        return bgr_to_image(filled, shown.input.encoding, shown.input.header)


def _static_depth(shown: FrameOutput) -> Image | None:
    """Return the depth without moving pixels; None for a frame without depth."""
    received, result = shown.input, shown.result
    if result.frame.depth_m is None:
        return None
    depth = static_depth(depth_as_stored(received.depth), result.masks.moving)
    return array_to_image(depth, depth_encoding(received.depth), received.header)
