"""What a labeller must offer the pipeline."""

from __future__ import annotations

from typing import Protocol

from motion_seg_ros.types import FloatArray, TrackLabels, Tracks
from motion_seg_ros.window import Window


class Labeller(Protocol):
    """Tells which tracks move in the world, the camera's own motion apart."""

    def label(self, window: Window, tracks: Tracks, features: FloatArray | None) -> TrackLabels:
        """One moving probability for each of `tracks`, or an abstention with its reason.

        Args:
            window: the frames the tracks run over.
            tracks: the tracks to label.
            features: (N, C) float32 descriptors, or None.
        """
        ...

    def reset(self) -> None:
        """Forget what is kept of earlier windows."""
        ...
