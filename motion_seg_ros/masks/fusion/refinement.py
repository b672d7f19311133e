"""Refinement of a belief at working resolution to a clean mask at full resolution."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.masks.boxes import box_around
from motion_seg_ros.masks.fusion.smoothing import EdgeAwareFilter
from motion_seg_ros.types import BoolArray, FloatArray, UInt8Array

# Set by hand:
MAX_SIDE_PX = 1280  # of the image whose edges the mask is snapped to
SNAP_STRENGTH, SNAP_SIGMA = 30.0, 6.0
SNAP_MARGIN_PX = 24  # about what is believed to move; masks of the demo clip change below 12
SATURATION = 2.0  # log-odds at which a pixel's weight in the snapping levels off
REFERENCE_SIDE_PX = 854  # the radii below are pixels of an image with this longer side
OPENING_PX = 2.0
CLOSING_PX = 4.0
MIN_AREA_SHARE = 8e-4  # of the image
MIN_RELATIVE_AREA = 0.05  # of the largest part


def refine(log_odds: FloatArray, image_bgr: UInt8Array) -> BoolArray:
    """Return the moving pixels of an image.

    The belief is snapped to the image's edges; specks are removed, gaps closed, holes filled.

    Args:
        log_odds: (h, w) float32 at any resolution.
        image_bgr: (H, W, 3) uint8.

    Returns:
        (H, W) bool.
    """
    height, width = image_bgr.shape[:2]
    scale = min(1.0, MAX_SIDE_PX / max(height, width))
    guide = np.asarray(image_bgr)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        guide = np.asarray(cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA), np.uint8)
    large = cv2.resize(
        np.tanh(log_odds / SATURATION),
        (guide.shape[1], guide.shape[0]),
        interpolation=cv2.INTER_LINEAR,
    )
    believed = large > 0
    if not believed.any():
        return np.zeros((height, width), bool)
    box = box_around(believed, SNAP_MARGIN_PX)
    smoother = EdgeAwareFilter(guide[box], SNAP_STRENGTH, SNAP_SIGMA, iterations=2)
    moving = np.zeros(large.shape, bool)
    moving[box] = smoother.smooth(np.ascontiguousarray(large[box], np.float32)) > 0
    full = cv2.resize(clean(moving), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(full, bool)


def clean(mask: BoolArray, min_relative_area: float = MIN_RELATIVE_AREA) -> UInt8Array:
    """Remove specks and fill gaps and holes; return (H, W) uint8, 1 in the parts that remain.

    Args:
        mask: (H, W).
        min_relative_area: least area of a part, as a share of the largest one's.
    """
    unit = max(mask.shape) / REFERENCE_SIDE_PX
    opening, closing = (round(radius * unit) for radius in (OPENING_PX, CLOSING_PX))
    kept = np.zeros(mask.shape, np.uint8)
    box = box_around(mask, margin=2 * closing)  # the farthest that closing looks
    if not mask[box].size:
        return kept
    cleaned = mask[box].astype(np.uint8)
    for operation, radius in ((cv2.MORPH_OPEN, opening), (cv2.MORPH_CLOSE, closing)):
        side = 2 * radius + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        cleaned = np.asarray(cv2.morphologyEx(cleaned, operation, kernel), np.uint8)
    outlines, _ = cv2.findContours(cleaned, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cleaned[:] = 0
    cv2.drawContours(cleaned, outlines, -1, (1,), -1)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(cleaned, connectivity=8)
    areas = np.asarray(stats[:, cv2.CC_STAT_AREA], np.int64)
    areas[0] = 0
    keep = (areas >= MIN_AREA_SHARE * mask.size) & (areas >= min_relative_area * areas.max())
    keep[0] = False
    kept[box] = keep[parts]
    return kept
