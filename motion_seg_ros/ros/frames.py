"""A frame on its way through the node: as it came in, and with its result.

No ROS here: a message is any object with the fields that are read.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from motion_seg_ros.io.image_messages import encoding_of, is_compressed
from motion_seg_ros.types import FrameResult


@dataclass(frozen=True, eq=False)
class InputFrame:
    """An image message with the messages that belong to it.

    Attributes:
        header: std_msgs/Header of the image.
        encoding: encoding of the image, or the format of a compressed one.
        image: sensor_msgs/Image or CompressedImage; None once dropped to save memory.
        depth: the paired sensor_msgs/Image, or None.
        camera_info: the newest sensor_msgs/CameraInfo, or None.
        arrived_s: time of arrival in seconds of the steady clock.
        size: height and width; None for a compressed image, whose size is not known yet.
    """

    header: Any
    encoding: str
    image: Any
    depth: Any
    camera_info: Any
    arrived_s: float
    size: tuple[int, int] | None

    @classmethod
    def now(cls, image: Any, depth: Any = None, camera_info: Any = None) -> InputFrame:
        """Wrap messages that arrive at this moment."""
        size = None if is_compressed(image) else (image.height, image.width)
        arrived_s = time.monotonic()
        return cls(image.header, encoding_of(image), image, depth, camera_info, arrived_s, size)

    @property
    def stamp_ns(self) -> int:
        """Stamp of the header in nanoseconds."""
        return int(self.header.stamp.sec) * 10**9 + int(self.header.stamp.nanosec)

    @property
    def payload_bytes(self) -> int:
        """Size of the image data."""
        return sum(len(each.data) for each in (self.image, self.depth) if each is not None)

    def without_payload(self) -> InputFrame:
        """Return a copy without image data."""
        return dataclasses.replace(self, image=None, depth=None)


@dataclass(frozen=True, eq=False)
class FrameOutput:
    """The result for one input frame.

    Attributes:
        input: the frame as it came in.
        result: result of the pipeline; its frame is black where the image was dropped.
        epoch: changes when the ids of objects start anew, also when the node does.
    """

    input: InputFrame
    result: FrameResult
    epoch: int
