"""What the live node answered, read back from a bag of its topics, and held against the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motion_seg_ros.io.bag_writer import NAMESPACE
from motion_seg_ros.io.clip import Clip
from motion_seg_ros.io.image_messages import image_to_array
from motion_seg_ros.io.message_types import typestore
from motion_seg_ros.lab.evaluation.metrics import boundary_accuracy, region_similarity
from motion_seg_ros.types import Source


@dataclass(frozen=True)
class Answer:
    """How one frame was answered.

    Attributes:
        source: inferred or propagated.
        age_s: arrival of the moving mask minus the frame's stamp, in seconds.
    """

    source: Source
    age_s: float


class Recording:
    """A bag with the topics of the node, whose message times are those of arrival."""

    def __init__(self, bag: Path) -> None:
        self._bag = bag
        self._types = typestore()

    def messages(self, topic: str) -> Iterator[tuple[int, int, Any]]:
        """Stamp and arrival in nanoseconds and the message, for all messages of `NAMESPACE/topic`.

        The messages are Any: rosbags makes their classes at run time.
        """
        from rosbags.rosbag2 import Reader

        with Reader(self._bag) as reader:
            chosen = [each for each in reader.connections if each.topic == f"{NAMESPACE}/{topic}"]
            for connection, arrival_ns, raw in reader.messages(chosen):
                message: Any = self._types.deserialize_cdr(raw, connection.msgtype)
                stamp = message.header.stamp
                yield stamp.sec * 10**9 + stamp.nanosec, arrival_ns, message

    def answers(self) -> dict[int, Answer]:
        """Frame stamp in nanoseconds -> how it was answered."""
        sources = {stamp: Source(message.source) for stamp, _, message in self.messages("objects")}
        return {
            stamp: Answer(sources[stamp], (arrival - stamp) * 1e-9)
            for stamp, arrival, _ in self.messages("moving_mask")
            if stamp in sources
        }


@dataclass(frozen=True)
class Agreement:
    """Agreement of the moving masks with the truth.

    Attributes:
        region: J of each frame that counts, by its index in the clip.
        boundary: F of the same frames.
    """

    region: Mapping[int, float]
    boundary: Mapping[int, float]

    @property
    def mean_region(self) -> float:
        """Mean J."""
        return float(np.mean(list(self.region.values())))

    @property
    def mean_boundary(self) -> float:
        """Mean F."""
        return float(np.mean(list(self.boundary.values())))


def agreement(recording: Recording, clip: Clip, stamps_ns: Sequence[int]) -> Agreement:
    """J and F of the recorded moving masks. As in DAVIS, the first and last frame do not count.

    Args:
        recording: what was answered.
        clip: has the truth.
        stamps_ns: the stamp under which each frame of the clip was sent; one that was not answered
            counts as a mask without moving pixels.
    """
    index_of = {stamp: index for index, stamp in enumerate(stamps_ns)}
    last = len(stamps_ns) - 1
    nothing = np.zeros(clip.size, np.bool_)
    predicted = dict.fromkeys(range(1, last), nothing)
    for stamp, _, message in recording.messages("moving_mask"):
        if index_of.get(stamp, 0) in predicted:
            predicted[index_of[stamp]] = image_to_array(message) != 0
    region, boundary = {}, {}
    for index, mask in predicted.items():
        truth = clip.truth(index) != 0
        region[index] = region_similarity(mask, truth)
        boundary[index] = boundary_accuracy(mask, truth)
    return Agreement(region, boundary)
