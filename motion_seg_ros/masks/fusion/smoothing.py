"""Smoothing that stops at the edges of the image."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.types import FloatArray, UInt8Array


def require_edge_aware_smoothing() -> None:
    """Check that OpenCV has its extra modules.

    Raises:
        MissingDependencyError: it does not have them.
    """
    if not hasattr(cv2, "ximgproc"):
        raise MissingDependencyError(
            "masks.backend=densifier: expected OpenCV with cv2.ximgproc, found OpenCV "
            f"{cv2.__version__} without; pip install opencv-contrib-python-headless"
        )


class EdgeAwareFilter:
    """Fast global smoother (Min et al., "Fast global image smoothing based on weighted least
    squares", TIP 2014) guided by one image.

    Args:
        guide_bgr: (h, w, 3) uint8.
        strength: lambda of the paper, the extent of the smoothing.
        colour_sigma: difference of grey levels that counts as an edge.
        iterations: passes (3 is OpenCV's default); fewer leave faint streaks along rows and
            columns.
    """

    def __init__(
        self, guide_bgr: UInt8Array, strength: float, colour_sigma: float, iterations: int = 3
    ) -> None:
        self._filter = cv2.ximgproc.createFastGlobalSmootherFilter(
            np.ascontiguousarray(guide_bgr), strength, colour_sigma, num_iter=iterations
        )

    def smooth(self, values: FloatArray) -> FloatArray:
        """Return the (h, w) values smoothed, float32."""
        return np.asarray(self._filter.filter(values), np.float32)

    def spread(self, values: FloatArray, weight: FloatArray, floor: float) -> FloatArray:
        """Return the weighted mean of `values` over each pixel's surroundings; it goes to 0 where
        the weight that reaches the pixel is not above `floor`."""
        return self.smooth(values * weight) / (self.smooth(weight) + np.float32(floor))
