"""Results of the pipeline made up by hand, for the tests of what is done with results."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.types import (
    Frame,
    FrameResult,
    MovingObject,
    ObjectMasks,
    TrackLabels,
    Tracks,
    UInt8Array,
)


def result_with_boxes(
    image: UInt8Array, boxes: dict[int, tuple[int, int, int, int]], stamp_ns: int = 0
) -> FrameResult:
    """A frame in which boxes (x, y, width, height) by object id move, and six tracks are known."""
    ids = np.zeros(image.shape[:2], np.uint16)
    objects = []
    for key, (x, y, width, height) in boxes.items():
        ids[y : y + height, x : x + width] = key
        centroid = (x + (width - 1) / 2, y + (height - 1) / 2)
        objects.append(
            MovingObject(key, 0.75, (x, y, width, height), centroid, width * height, (1.5, -2.0))
        )
    xy = np.stack([np.linspace(0, image.shape[1] - 1, 6), np.full(6, 5.0)], axis=1)
    tracks = Tracks(
        ids=np.arange(6, dtype=np.int64) + 100,
        xy_px=np.stack([xy - 1, xy]).astype(np.float32),
        visible=np.array([[True] * 6, [True] * 5 + [False]]),
        confidence=np.full((2, 6), 0.5, np.float32),
        query_frame=np.zeros(6, np.int64),
    )
    labels = TrackLabels(np.array([0, 0.1, 0.2, 0.9, 1, np.nan], np.float32))
    return FrameResult(Frame(image, stamp_ns), ObjectMasks(ids, tuple(objects)), tracks, labels)


class StubSegmenter:
    """Answers every frame as if a box of 10 x 8 px moved 2 px to the right per frame."""

    def __init__(self) -> None:
        self._count = 0

    def push(self, frame: Frame) -> FrameResult:
        """The answer to the next frame."""
        self._count += 1
        box = (2 * self._count, 4, 10, 8)
        return result_with_boxes(frame.image_bgr, {1: box}, frame.stamp_ns)
