"""Region similarity J and boundary accuracy F of DAVIS.

Definitions: Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object
Segmentation, CVPR 2016, with the details of its reference evaluation: a mask's boundary are the
pixels that differ from the right, lower or lower-right neighbour, and boundaries match within
0.8 % of the image's diagonal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import BoolArray, UInt8Array

# All three as in the DAVIS toolbox.
BOUNDARY_TOLERANCE = 0.008
RECALL_ABOVE = 0.5
DECAY_BINS = 4


@dataclass(frozen=True)
class SequenceStatistics:
    """J or F of a sequence; NaN values do not count.

    Attributes:
        mean: over the frames.
        recall: share of the frames above RECALL_ABOVE.
        decay: mean of the first quarter of the frames less that of the last; falls with time if
            positive.
    """

    mean: float
    recall: float
    decay: float


def statistics(values: Sequence[float]) -> SequenceStatistics:
    """Compute mean, recall and decay over the frames of a sequence.

    The quarters are those of the DAVIS toolbox (`db_statistics`,
    https://github.com/davisvideochallenge/davis2017-evaluation): bounds are n evenly spread frames
    from the first to the last, rounded, and each quarter has both its bounds. NaN counts in no
    mean; for recall it counts as a frame that is not above.

    Args:
        values: J or F of each frame, at least one.

    Raises:
        ValueError: no value.
    """
    found = np.asarray(values, np.float64)
    if not len(found):
        raise ValueError("values: expected at least one frame, found none")
    bounds = np.round(np.linspace(1, len(found), DECAY_BINS + 1) + 1e-10).astype(np.int64) - 1
    first, last = found[: bounds[1] + 1], found[bounds[-2] : bounds[-1] + 1]
    return SequenceStatistics(
        mean=_mean(found),
        recall=float(np.mean(found > RECALL_ABOVE)),
        decay=_mean(first) - _mean(last),
    )


def region_similarity(predicted: BoolArray, truth: BoolArray) -> float:
    """Return J, the intersection over union of two masks, in [0, 1]; 1 if both are empty.

    Args:
        predicted: (H, W) bool.
        truth: (H, W) bool.

    Raises:
        ValueError: not masks of one size.
    """
    _check_masks(predicted, truth)
    union = np.count_nonzero(predicted | truth)
    return float(np.count_nonzero(predicted & truth) / union) if union else 1.0


def boundary_accuracy(predicted: BoolArray, truth: BoolArray) -> float:
    """Return F, the harmonic mean of the boundaries' precision and recall, in [0, 1]; 1 if neither
    mask has a boundary.

    Args:
        predicted: (H, W) bool.
        truth: (H, W) bool.

    Raises:
        ValueError: not masks of one size.
    """
    _check_masks(predicted, truth)
    return Boundary(predicted).accuracy(Boundary(truth))


class Boundary:
    """Boundary of a mask and its neighbourhood: made once, compared with many.

    Only the part of the image in which it lies is kept.

    Args:
        mask: (H, W) bool.
        tolerance: distance within which boundary pixels match, as a share of the image's diagonal.

    Attributes:
        count: pixels of the boundary.
    """

    def __init__(self, mask: BoolArray, tolerance: float = BOUNDARY_TOLERANCE) -> None:
        height, width = mask.shape
        radius_px = math.ceil(tolerance * math.hypot(height, width))
        x, y, w, h = cv2.boundingRect(mask.view(np.uint8))
        margin = radius_px + 1  # a boundary pixel may lie one pixel outside of the mask
        self._top, self._left = max(y - margin, 0), max(x - margin, 0)
        self._bottom = min(y + h + margin, height) if h else self._top
        self._right = min(x + w + margin, width) if w else self._left
        if not h:
            self.count = 0
            self._edges = self._near = np.zeros((0, 0), bool)
            return
        self._edges = _boundary(mask[self._top : self._bottom, self._left : self._right])
        self._near = cv2.dilate(self._edges.view(np.uint8), _disk(radius_px)).astype(bool)
        self.count = int(np.count_nonzero(self._edges))

    def accuracy(self, other: Boundary) -> float:
        """Return F of two masks of one size, in [0, 1]; 1 if neither has a boundary."""
        if not self.count or not other.count:
            return float(self.count == other.count)
        precision = self._matched(other) / self.count
        recall = other._matched(self) / other.count
        if precision + recall == 0:
            return 0.0
        return float(2 * precision * recall / (precision + recall))

    def _matched(self, other: Boundary) -> int:
        """Count the pixels of this boundary that are near the other one."""
        top, bottom = max(self._top, other._top), min(self._bottom, other._bottom)
        left, right = max(self._left, other._left), min(self._right, other._right)
        if top >= bottom or left >= right:
            return 0
        mine = self._edges[
            top - self._top : bottom - self._top, left - self._left : right - self._left
        ]
        theirs = other._near[
            top - other._top : bottom - other._top, left - other._left : right - other._left
        ]
        return int(np.count_nonzero(mine & theirs))


def _check_masks(predicted: BoolArray, truth: BoolArray) -> None:
    for name, mask in {"predicted": predicted, "truth": truth}.items():
        if mask.ndim != 2 or mask.dtype != np.bool_:
            raise ValueError(f"{name}: expected (H, W) bool, found {mask.shape} {mask.dtype}")
    if predicted.shape != truth.shape:
        raise ValueError(f"predicted: expected {truth.shape}, found {predicted.shape}")


def _boundary(mask: BoolArray) -> BoolArray:
    """Return (H, W) bool, pixels unlike their right, lower or lower-right neighbour.

    The last row and column are repeated: the image's frame is no boundary.
    """
    beyond = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    right, lower, lower_right = beyond[:-1, 1:], beyond[1:, :-1], beyond[1:, 1:]
    boundary: BoolArray = (mask != right) | (mask != lower) | (mask != lower_right)
    return boundary


def _disk(radius_px: int) -> UInt8Array:
    """Return a square that is 1 within a Euclidean distance of its centre, else 0."""
    offset = np.arange(-radius_px, radius_px + 1)
    return (offset[:, None] ** 2 + offset[None, :] ** 2 <= radius_px**2).astype(np.uint8)


def _mean(values: npt.NDArray[np.float64]) -> float:
    """Return the mean of the values that are not NaN; NaN where there are none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan
