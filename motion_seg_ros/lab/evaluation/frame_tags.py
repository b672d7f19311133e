"""Tags of difficult frames, from their ground truth alone, that describe the worst frames."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.lab.synthetic.traits import STOPPED, TRAITS
from motion_seg_ros.types import UInt8Array, UInt16Array

FAST, THIN, SMALL, LARGE = "fast", "thin", "small", "large"
START, NOTHING_MOVES = "start", "nothing moves"
TAGS = (FAST, THIN, SMALL, LARGE, START, NOTHING_MOVES, *TRAITS)
"""All tags, in the order in which they are told."""

# All thresholds were set by hand.
FAST_SHARE = 0.02
"""Displacement of a fast mover's centre per frame at least, as a share of the longer side."""
THIN_SHARE = 0.015
"""Width of a thin part of a mover at most, as a share of the longer side."""
THIN_LENGTH = 4
"""Least length of a thin mover, in those widths."""
SMALL_SHARE, LARGE_SHARE = 0.01, 0.15
"""Shares of the image below and above which all that moves counts as small and large."""
START_FRAMES = 12
"""Frames at the start of a sequence, whose window is still short."""
MOST = 0.5
"""Share of the moving pixels whose movers have to be fast, or thin."""


class FrameTagger:
    """Tags the scored frames of one sequence, in order."""

    def __init__(self) -> None:
        self._index = -1
        self._centres: dict[int, np.ndarray] = {}

    def tags(self, truth: TruthMask, index: int | None = None) -> tuple[str, ...]:
        """Return the tags of the next scored frame, in the order of TAGS.

        Args:
            truth: of the frame; ignored pixels are static in it.
            index: of the frame in the sequence; None: the one after that of the last call.
        """
        index = self._index + 1 if index is None else index
        gap = index - self._index
        found = set(truth.traits)
        if index < START_FRAMES:
            found.add(START)
        ids = truth.id_map
        if truth.moving is not None:
            still = (ids != 0) & ~np.isin(ids, sorted(truth.moving))
            if still.any():
                found.add(STOPPED)
                ids = np.where(still, np.uint16(0), ids)
        areas = np.bincount(ids.reshape(-1))
        areas[0] = 0
        movers = np.flatnonzero(areas).tolist()
        centres = {each: _centre(ids == each) for each in movers}
        if not movers:
            found.add(NOTHING_MOVES)
        else:
            side, total = max(ids.shape), int(areas.sum())
            fast = [
                each
                for each in movers
                if each in self._centres
                and np.linalg.norm(centres[each] - self._centres[each]) > FAST_SHARE * side * gap
            ]
            thin = [each for each in movers if _is_thin(ids, each)]
            for tag, those in ((FAST, fast), (THIN, thin)):
                if areas[those].sum() >= MOST * total:
                    found.add(tag)
            if total < SMALL_SHARE * ids.size:
                found.add(SMALL)
            if total > LARGE_SHARE * ids.size:
                found.add(LARGE)
        self._centres = centres
        self._index = index
        return tuple(each for each in TAGS if each in found)


def _centre(mask: np.ndarray) -> np.ndarray:
    """Return x and y of the centre of a mask that is not empty, in pixels."""
    moments = cv2.moments(mask.view(np.uint8), binaryImage=True)
    return np.array([moments["m10"], moments["m01"]]) / moments["m00"]


def _is_thin(ids: UInt16Array, mover: int) -> bool:
    """Return whether more than half of a mover is narrower than THIN_SHARE, and it is long."""
    x, y, width, height = cv2.boundingRect((ids == mover).astype(np.uint8))
    narrow = max(3, round(THIN_SHARE * max(ids.shape)))
    if max(width, height) < THIN_LENGTH * narrow:
        return False
    mask = (ids[y : y + height, x : x + width] == mover).astype(np.uint8)
    wide = _opened(mask, narrow)
    return bool(np.count_nonzero(wide) < 0.5 * np.count_nonzero(mask))


def _opened(mask: UInt8Array, diameter_px: int) -> UInt8Array:
    """Return the parts of a mask into which a disk fits; beyond its border there is nothing."""
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter_px, diameter_px))
    padded = cv2.copyMakeBorder(mask, *(diameter_px,) * 4, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.morphologyEx(padded, cv2.MORPH_OPEN, disk), np.uint8)
