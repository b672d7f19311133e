"""Answers of the live node, read back from a bag of its topics and scored against the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motion_seg_ros.io.bag_writer import NAMESPACE
from motion_seg_ros.io.image_messages import image_to_array
from motion_seg_ros.io.message_types import typestore
from motion_seg_ros.lab.evaluation.datasets.clip import ClipSequence
from motion_seg_ros.lab.evaluation.results import SequenceScores
from motion_seg_ros.lab.evaluation.scoring import SequenceScorer
from motion_seg_ros.types import Source, UInt16Array


@dataclass(frozen=True)
class FrameAnswer:
    """Answer to one frame.

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
        """Yield stamp and arrival in nanoseconds and the message, for all of `NAMESPACE/topic`.

        The messages are Any: rosbags makes their classes at run time.
        """
        from rosbags.rosbag2 import Reader

        with Reader(self._bag) as reader:
            chosen = [each for each in reader.connections if each.topic == f"{NAMESPACE}/{topic}"]
            for connection, arrival_ns, raw in reader.messages(chosen):
                message: Any = self._types.deserialize_cdr(raw, connection.msgtype)
                stamp = message.header.stamp
                yield stamp.sec * 10**9 + stamp.nanosec, arrival_ns, message

    def answers(self) -> dict[int, FrameAnswer]:
        """Return frame stamp in nanoseconds -> how the frame was answered."""
        sources = {stamp: Source(message.source) for stamp, _, message in self.messages("objects")}
        return {
            stamp: FrameAnswer(sources[stamp], (arrival - stamp) * 1e-9)
            for stamp, arrival, _ in self.messages("moving_mask")
            if stamp in sources
        }


def score_recording(
    recording: Recording, sequence: ClipSequence, stamps_ns: Sequence[int]
) -> tuple[SequenceScores, int]:
    """Score the recorded moving masks, late and propagated ones included.

    Args:
        recording: of the node's answers.
        sequence: the clip with its truth.
        stamps_ns: the stamp under which each frame of the clip was sent; one that was not answered
            counts as a mask without moving pixels.

    Returns:
        The scores, and the number of scored frames that were not answered.
    """
    name_of = dict(zip(stamps_ns, sequence.names, strict=True))
    predicted: dict[str, UInt16Array] = {}
    for stamp, _, message in recording.messages("moving_mask"):
        if stamp in name_of:
            predicted[name_of[stamp]] = image_to_array(message).astype(np.uint16)
    scorer = SequenceScorer(separate=False)
    nothing = np.zeros(sequence.clip.size, np.uint16)
    for name in sequence.scored:
        scorer.add(name, predicted.get(name, nothing), sequence.truth(name))
    never_came = sum(name not in predicted for name in sequence.scored)
    return scorer.scores(frames=len(stamps_ns)), never_came
