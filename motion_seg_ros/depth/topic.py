"""Depth that comes with the frame, from the camera's own depth topic."""

from __future__ import annotations

from motion_seg_ros.types import FloatArray
from motion_seg_ros.window import Window


class TopicDepth:
    """Passes on the depth that was paired with the image."""

    def estimate(self, window: Window) -> FloatArray | None:
        """(H, W) float32 metres of the newest frame, NaN = unknown; None when it came without
        depth."""
        return window.newest.depth_m

    def reset(self) -> None:
        """Nothing is kept."""
