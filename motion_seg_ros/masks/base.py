"""What the mask stage must offer the pipeline."""

from __future__ import annotations

from typing import Protocol

from motion_seg_ros.types import Frame, ObjectMasks, TrackLabels, Tracks
from motion_seg_ros.window import Window


class MaskBackend(Protocol):
    """PriorityLock labelled tracks into one pixel mask per moving object."""

    def segment(self, window: Window, tracks: Tracks, labels: TrackLabels) -> ObjectMasks:
        """Masks of the newest frame, of its size; ids stay with their object over time and short
        occlusions."""
        ...

    def reset(self) -> None:
        """Forget all objects; ids already given are not given again."""
        ...


class MaskPropagator(Protocol):
    """Carries masks over to a frame for which there is no time to infer them."""

    def propagate(self, masks: ObjectMasks, from_frame: Frame, to_frame: Frame) -> ObjectMasks:
        """The objects of `masks`, which are those of `from_frame`, where they lie in the later
        `to_frame`."""
        ...
