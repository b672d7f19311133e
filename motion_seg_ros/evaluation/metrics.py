"""How well a mask agrees with the truth: region similarity J and boundary accuracy F of DAVIS.

Definitions: Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object
Segmentation, CVPR 2016, with the details of its reference evaluation: a mask's boundary are the
pixels that differ from the right, lower or lower-right neighbour, and boundaries match within
0.8 % of the image's diagonal.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from motion_seg_ros.types import BoolArray

BOUNDARY_TOLERANCE = 0.008


def region_similarity(predicted: BoolArray, truth: BoolArray) -> float:
    """J: intersection over union of two masks, in [0, 1]; 1 if both are empty.

    Args:
        predicted: (H, W) bool.
        truth: (H, W) bool.

    Raises:
        ValueError: not two masks of one size.
    """
    _check(predicted, truth)
    union = np.count_nonzero(predicted | truth)
    return float(np.count_nonzero(predicted & truth) / union) if union else 1.0


def boundary_accuracy(
    predicted: BoolArray, truth: BoolArray, tolerance: float = BOUNDARY_TOLERANCE
) -> float:
    """F: harmonic mean of the boundaries' precision and recall, in [0, 1]; 1 if neither has one.

    Args:
        predicted: (H, W) bool.
        truth: (H, W) bool.
        tolerance: distance within which boundary pixels match, as a share of the image's diagonal.

    Raises:
        ValueError: not two masks of one size.
    """
    _check(predicted, truth)
    radius_px = math.ceil(tolerance * math.hypot(*truth.shape))
    edges, true_edges = _boundary(predicted), _boundary(truth)
    if not edges.any() or not true_edges.any():
        return float(edges.any() == true_edges.any())
    precision = np.count_nonzero(edges & _grow(true_edges, radius_px)) / np.count_nonzero(edges)
    recall = np.count_nonzero(true_edges & _grow(edges, radius_px)) / np.count_nonzero(true_edges)
    if precision + recall == 0:
        return 0.0
    return float(2 * precision * recall / (precision + recall))


def _check(predicted: BoolArray, truth: BoolArray) -> None:
    for name, mask in (("predicted", predicted), ("truth", truth)):
        if mask.ndim != 2 or mask.dtype != np.bool_:
            raise ValueError(f"{name}: expected (H, W) bool, found {mask.shape} {mask.dtype}")
    if predicted.shape != truth.shape:
        raise ValueError(
            f"predicted: expected {truth.shape} like the truth, found {predicted.shape}"
        )


def _boundary(mask: BoolArray) -> BoolArray:
    """(H, W) bool: pixels unlike their right, lower or lower-right neighbour.

    Beyond the last row and column stands a copy of them: the image's frame is no boundary.
    """
    beyond = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    right, lower, lower_right = beyond[:-1, 1:], beyond[1:, :-1], beyond[1:, 1:]
    boundary: BoolArray = (mask != right) | (mask != lower) | (mask != lower_right)
    return boundary


def _grow(boundary: BoolArray, radius_px: int) -> BoolArray:
    """(H, W) bool: pixels within a Euclidean distance of `boundary`."""
    offset = np.arange(-radius_px, radius_px + 1)
    disk = (offset[:, None] ** 2 + offset[None, :] ** 2 <= radius_px**2).astype(np.uint8)
    return cv2.dilate(boundary.view(np.uint8), disk).astype(bool)
