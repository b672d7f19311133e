"""Depth that comes with the frame, from the camera's own depth topic."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from motion_seg_ros.flow.working_size import fitted_size
from motion_seg_ros.types import FloatArray, Frame
from motion_seg_ros.window import Window


class TopicDepth:
    """Inverse depth, in 1 / metres, from the depth that was paired with each image."""

    metric = True

    def __init__(self) -> None:
        self._kept: dict[int, FloatArray] = {}  # by the frame's index

    def inverse_depth(self, window: Window) -> Sequence[FloatArray]:
        """See motion_seg_ros.depth.base.DepthEstimator; NaN where depth is NaN or not positive, and
        throughout a frame that came without depth."""
        kept = self._kept
        self._kept = {
            index: kept[index]
            if index in kept
            else inverse_depth_of(frame, fitted_size(frame.size))
            for index, frame in enumerate(window.frames, window.first_index)
        }
        return tuple(self._kept.values())

    def reset(self) -> None:
        """See motion_seg_ros.depth.base.DepthEstimator."""
        self._kept.clear()


def inverse_depth_of(frame: Frame, size: tuple[int, int]) -> FloatArray:
    """Return the inverse depth (h, w) = `size` in 1/m that came with a frame; NaN where unknown."""
    height, width = size
    if frame.depth_m is None:
        return np.full(size, np.nan, np.float32)
    known = np.where(frame.depth_m > 0, frame.depth_m, np.float32(np.nan))
    small = cv2.resize(1 / known, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)
