"""Conversion of the image messages of one stream, with what holds from one to the next."""

from __future__ import annotations

from typing import Any

from motion_seg_ros.io.image_messages import image_to_bgr
from motion_seg_ros.io.value_range import ValueRange
from motion_seg_ros.io.video_packets import VideoState, packet_codec
from motion_seg_ros.types import UInt8Array


class StreamImages:
    """Converts images of any message type to bgr8: values by one range, video by its state."""

    def __init__(self) -> None:
        self._values = ValueRange()
        self._video = VideoState()

    @property
    def limits(self) -> tuple[float, float] | None:
        """See ValueRange."""
        return self._values.limits

    def reset(self) -> None:
        """Begin a new stream: take the range of the next image."""
        self._values.reset()

    def skip(self) -> None:
        """Note that a message is left out: video goes on with its next key frame."""
        self._video.lose()

    def to_bgr(self, message: Any) -> UInt8Array:
        """Return the image as (H, W, 3) uint8 bgr; it may share memory with the message.

        Raises:
            FrameError: the message is damaged, or is not a camera image.
        """
        codec = packet_codec(message)
        if codec is not None:
            return self._video.picture(message, codec)
        return image_to_bgr(message, self._values)
