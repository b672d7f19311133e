"""Interfaces of the mask stage."""

from __future__ import annotations

from typing import Protocol

from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.types import Frame, ObjectMasks, TrackLabels, Tracks
from motion_seg_ros.window import Window


class MaskBackend(Protocol):
    """Turns labelled tracks into one pixel mask per moving object."""

    def begin(self, window: Window) -> None:
        """Begin, beside the caller, what masks of the newest frame need and labels do not change;
        `segment` of that frame comes next, or `reset`."""
        ...

    def segment(
        self,
        window: Window,
        tracks: Tracks,
        labels: TrackLabels,
        geometry: WindowGeometry,
    ) -> ObjectMasks:
        """Return the masks of the newest frame, of its size; ids stay with their object over time
        and short occlusions."""
        ...

    def reset(self) -> None:
        """Forget all objects; their ids are not given to new ones before the ids start again."""
        ...


class MaskPropagator(Protocol):
    """Carries masks over to a frame that is not inferred."""

    def propagate(self, masks: ObjectMasks, from_frame: Frame, to_frame: Frame) -> ObjectMasks:
        """Move the objects of `masks`, which are those of `from_frame`, to where they are in the
        later `to_frame`."""
        ...
