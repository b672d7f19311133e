"""Depth at tracks, as the track transformer takes it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from motion_seg_ros.flow.lookup import resized, sample
from motion_seg_ros.flow.working_size import fitted_size
from motion_seg_ros.types import BoolArray, FloatArray

NEAREST_FARTHEST = (99, 1)  # percentiles of inverse depth that count as nearest and farthest
LEAST_RANGE = 1e-9  # of inverse depth


def track_depth(
    inverse_depth: Sequence[FloatArray],
    size: tuple[int, int],
    xy_px: FloatArray,
    visible: BoolArray,
) -> FloatArray:
    """Return the depth of tracks relative to each other, as in training.

    Args:
        inverse_depth: T maps of any size, see motion_seg_ros.depth.base.DepthEstimator.
        size: (H, W) of the frames.
        xy_px: (T, N, 2) in pixels of the frames.
        visible: (T, N).

    Returns:
        (T, N) float32, 0 the nearest to 1 the farthest of these tracks in the window; NaN where a
        track is hidden or its depth unknown.
    """
    height, width = fitted_size(size)  # as most training clips
    positions = resized(xy_px, size, (height, width))
    found = np.empty(visible.shape, np.float32)
    for t, each in enumerate(inverse_depth):
        small = cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR)
        found[t] = sample(np.asarray(small, np.float32), positions[t])
    found[~visible] = np.nan
    return relative_depth(found)


def relative_depth(inverse_depth: FloatArray) -> FloatArray:
    """Return inverse depths (T, N), NaN unknown, as depths from 0, the nearest, to 1, the farthest
    of them."""
    known = np.isfinite(inverse_depth)
    if not known.any():
        return inverse_depth
    near, far = np.percentile(inverse_depth[known], NEAREST_FARTHEST)
    nearness = (inverse_depth - far) / max(near - far, LEAST_RANGE)
    return np.asarray(1 - np.clip(nearness, 0, 1), np.float32)
