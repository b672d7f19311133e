"""A frame on its way through the node: as it came in, and with its result.

No ROS here: a message is any object with the fields that are read.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from motion_seg_ros.errors import FrameError
from motion_seg_ros.io.image_messages import encoding_of, image_size, is_compressed
from motion_seg_ros.types import FrameResult

MAX_TEXT = 1000
"""Characters of the texts in an image message; names are far shorter. Set by hand."""


@dataclass(frozen=True, eq=False)
class InputFrame:
    """An image message with the messages that belong to it.

    Attributes:
        header: std_msgs/Header of the image.
        encoding: encoding of the image, or the format of a compressed one.
        image: sensor_msgs/Image or CompressedImage; None once dropped to save memory.
        depth: the paired sensor_msgs/Image, or CompressedImage by compressedDepth, or None.
        camera_info: the newest sensor_msgs/CameraInfo, or None.
        arrived_s: time of arrival in seconds of the steady clock.
        dropped_size: height and width of an image that was dropped; None of a compressed one, whose
            size was not known yet.
        damage: why an image that was dropped could not have been used, None if it could.
    """

    header: Any
    encoding: str
    image: Any
    depth: Any
    camera_info: Any
    arrived_s: float
    dropped_size: tuple[int, int] | None = None
    damage: str | None = None

    @classmethod
    def of(
        cls,
        image: Any,
        depth: Any = None,
        camera_info: Any = None,
        arrived_s: float | None = None,
    ) -> InputFrame:
        """Wrap messages; the image arrives at this moment unless `arrived_s` says when it did."""
        arrived_s = time.monotonic() if arrived_s is None else arrived_s
        return cls(image.header, encoding_of(image), image, depth, camera_info, arrived_s)

    @property
    def stamp_ns(self) -> int:
        """Stamp of the header in nanoseconds."""
        return int(self.header.stamp.sec) * 10**9 + int(self.header.stamp.nanosec)

    @property
    def payload_bytes(self) -> int:
        """Size of the image data."""
        return sum(len(each.data) for each in (self.image, self.depth) if each is not None)

    @property
    def refusal(self) -> str | None:
        """Why the frame cannot wait for its turn, None if it can: what waits keeps its texts, which
        a stranger can make as long as an image."""
        texts = {"frame_id": self.header.frame_id, "format": self.encoding}
        for name, text in texts.items():
            if len(text) > MAX_TEXT:
                return (
                    f"image: expected at most {MAX_TEXT} characters of {name}, found {len(text)}; "
                    "check the camera driver"
                )
        return None

    def without_payload(self) -> InputFrame:
        """Return the frame without image data."""
        if self.image is None:
            return self
        size, damage = None, None
        try:
            size = None if is_compressed(self.image) else image_size(self.image)
        except FrameError as error:
            damage = str(error)
        return dataclasses.replace(self, image=None, depth=None, dropped_size=size, damage=damage)


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
