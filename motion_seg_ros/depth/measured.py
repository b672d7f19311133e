"""Measured depth at tracks."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.flow.lookup import resized, sample
from motion_seg_ros.types import FloatArray, Tracks

# A stereo or structured-light sensor has an error of constant inverse depth. Set by hand, above
# what cameras of that kind have (lab/synthetic/depth_sensor.py): flow and registration add to it.
ERROR = 0.01  # 1/m
RELATIVE_ERROR = 0.02  # of the inverse depth
FARTHEST_UNKNOWN = 1e6  # 1/m, above any inverse depth
EDGE_SIDE = 5  # pixels of the map around a track
EDGE_SHARE = 0.5  # of the range of inverse depth around a track, which may lie on either side


def measured_at(
    inverse_depth: FloatArray, tracks: Tracks, size: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Return the inverse depth (N,) in 1/m of tracks in the newest frame, and its standard error.

    NaN where a track is hidden, or its depth unknown. At an edge of depth the error is large.

    Args:
        inverse_depth: (h, w) of that frame in 1/m, NaN unknown.
        tracks: over the window.
        size: (H, W) of the frame.
    """
    xy = resized(tracks.xy_px[-1], size, (inverse_depth.shape[0], inverse_depth.shape[1]))
    value, error = sample(inverse_depth, xy), sample(error_map(inverse_depth), xy)
    known = tracks.visible[-1] & np.isfinite(value) & np.isfinite(error)
    nothing = np.float32(np.nan)
    return np.where(known, value, nothing), np.where(known, error, nothing)


def error_map(inverse_depth: FloatArray) -> FloatArray:
    """Return the standard error (h, w) assumed of measured inverse depths (h, w) in 1/m, large at
    edges of depth; NaN where they are."""
    kernel = np.ones((EDGE_SIDE, EDGE_SIDE), np.uint8)
    nearest = cv2.dilate(np.nan_to_num(inverse_depth), kernel)
    farthest = cv2.erode(np.nan_to_num(inverse_depth, nan=FARTHEST_UNKNOWN), kernel)
    return measured_error(inverse_depth) + EDGE_SHARE * np.asarray(nearest - farthest, np.float32)


def measured_error(inverse_depth: FloatArray) -> FloatArray:
    """Return the standard error assumed of measured inverse depths of any shape, in 1/m."""
    return np.asarray(ERROR + RELATIVE_ERROR * inverse_depth, np.float32)
