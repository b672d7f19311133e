"""Difference to an earlier frame, after registration."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.evaluation.baselines.registration import homography, seen_from
from motion_seg_ros.masks.fusion.refinement import clean
from motion_seg_ros.types import Frame, UInt8Array, UInt16Array

_BLUR_PX = 5
_LEAST_DIFFERENCE = 15.0  # grey levels
_HOLE_PX = 15
_MIN_RELATIVE_AREA = 0.15


class HomographyDifference:
    """Frame difference compensated by a homography: what has another colour than its place had.

    The difference is the largest of the three channels'; Otsu's threshold of it, but at least some
    grey levels, decides. What moved leaves its old place different too: only what differs from two
    earlier frames counts.

    Args:
        gap: the earlier frames are `gap` and 2 `gap` frames before the newest.
        corners: at most so many are followed from frame to frame.
    """

    def __init__(self, gap: int = 3, corners: int = 600) -> None:
        self._gap = gap
        self._corners = corners
        self._past: deque[tuple[UInt8Array, npt.NDArray[np.float64]]] = deque(maxlen=2 * gap)
        self._last_gray: UInt8Array | None = None

    def push(self, frame: Frame) -> UInt16Array:
        """(H, W) uint16, 1 where the next frame's pixels move."""
        image = np.asarray(cv2.GaussianBlur(frame.image_bgr, (_BLUR_PX, _BLUR_PX), 0), np.uint8)
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
        if self._last_gray is not None:
            step = homography(self._last_gray, gray, self._corners)
            for index, (past, to_last) in enumerate(self._past):
                self._past[index] = (past, step @ to_last)
        moving = self._differing(image)
        self._last_gray = gray
        self._past.append((image, np.eye(3)))
        return moving.astype(np.uint16)

    def _differing(self, image: UInt8Array) -> npt.NDArray[np.uint8]:
        """(H, W) uint8, 1 where `image` differs from both earlier frames; 0 before there are."""
        least = np.full(image.shape[:2], 255, np.uint8)
        if len(self._past) < self._gap:
            return np.zeros_like(least)
        for age in (self._gap, 2 * self._gap):
            past, to_newest = self._past[-min(age, len(self._past))]
            difference = cv2.absdiff(image, seen_from(past, to_newest, image)).max(axis=2)
            least = np.minimum(least, difference)
        otsu, _ = cv2.threshold(least, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        moving = (least > max(otsu, _LEAST_DIFFERENCE)).astype(np.uint8)
        disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_HOLE_PX, _HOLE_PX))
        closed = cv2.morphologyEx(moving, cv2.MORPH_CLOSE, disk)
        return clean(closed != 0, _MIN_RELATIVE_AREA)
