"""What a depth source must offer the pipeline."""

from __future__ import annotations

from typing import Protocol

from motion_seg_ros.types import FloatArray
from motion_seg_ros.window import Window


class DepthEstimator(Protocol):
    """Gives the depth of the newest frame."""

    def estimate(self, window: Window) -> FloatArray | None:
        """(H, W) float32 depth of the newest frame in metres or, from a monocular network, up to
        scale; NaN = unknown.

        None when there is no depth for this frame.
        """
        ...

    def reset(self) -> None:
        """Forget what is kept of earlier frames."""
        ...
