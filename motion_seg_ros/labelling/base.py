"""What a labeller must offer the pipeline."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from motion_seg_ros.types import FloatArray, TrackLabels, Tracks
from motion_seg_ros.window import Window


class Labeller(Protocol):
    """Tells which tracks move in the world, the camera's own motion apart."""

    def label(
        self, window: Window, tracks: Tracks, depth: FloatArray | None, features: FloatArray | None
    ) -> TrackLabels:
        """One moving probability for each of `tracks`, or an abstention with its reason.

        Args:
            window: the frames the tracks run over.
            tracks: the tracks to label.
            depth: (H, W) float32 depth of the newest frame, NaN = unknown, or None.
            features: (N, C) float32 descriptors, or None.
        """
        ...

    def reset(self) -> None:
        """Forget what is kept of earlier windows."""
        ...


@runtime_checkable
class RemembersDepth(Protocol):
    """A labeller that looks up the depth of earlier frames too."""

    @property
    def takes_depth(self) -> bool:
        """Whether depth means anything to it."""
        ...

    def see_depth(self, window: Window, depth: FloatArray | None) -> None:
        """Remember the depth of the newest frame of `window`, in which no tracks are labelled.

        Args:
            window: the frames that are remembered.
            depth: (H, W) float32, NaN = unknown, or None.
        """
        ...
