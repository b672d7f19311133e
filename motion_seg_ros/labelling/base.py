"""Interface of labellers."""

from __future__ import annotations

from typing import Protocol

from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.types import FloatArray, TrackLabels, Tracks
from motion_seg_ros.window import Window


class Labeller(Protocol):
    """Labels each track as moving in the world or static, whatever the camera's own motion."""

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        """Return a moving probability for each of `tracks`, or an abstention with its reason.

        Args:
            window: the frames the tracks run over.
            tracks: the tracks to label.
            features: (N, C) float32 descriptors, or None.
            geometry: of the window.
        """
        ...

    def reset(self) -> None:
        """Forget what is kept of earlier windows."""
        ...
