"""Interface of depth estimators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from motion_seg_ros.types import FloatArray
from motion_seg_ros.window import Window


class DepthEstimator(Protocol):
    """Estimates the depth of the frames of a window."""

    @property
    def metric(self) -> bool:
        """True if inverse depth is in 1/m, and not up to scale and shift."""
        ...

    def inverse_depth(self, window: Window) -> Sequence[FloatArray]:
        """Return the inverse depth of each frame of `window`, oldest first.

        A frame is estimated once; its map is kept until the frame has left the window.

        Returns:
            T maps (h, w) float32, of any size, whose pixels cover the whole image: 1 / metres or,
            from a monocular network, up to scale and shift. Larger = nearer, NaN = unknown.
        """
        ...

    def reset(self) -> None:
        """Forget all frames."""
        ...
