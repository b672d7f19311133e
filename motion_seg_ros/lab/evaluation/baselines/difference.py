"""Difference to an earlier frame, after registration."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.evaluation.baselines.registration import RegisteredFrames
from motion_seg_ros.masks.fusion.refinement import clean
from motion_seg_ros.types import Frame, UInt8Array, UInt16Array

# Set by hand.
GAP = 3  # frames
BLUR_PX = 5
LEAST_DIFFERENCE = 15.0  # grey levels
HOLE_PX = 15
MIN_RELATIVE_AREA = 0.15


class HomographyDifference:
    """Frame difference compensated by a homography.

    The difference is the largest of the three channels'; Otsu's threshold of it, but at least some
    grey levels, decides. What moved leaves its old place different too: only what differs from two
    earlier frames, GAP and 2 GAP before the newest, counts.
    """

    def __init__(self) -> None:
        self._past = RegisteredFrames(2 * GAP)

    def push(self, frame: Frame) -> UInt16Array:
        """Return (H, W) uint16, 1 where pixels of the next frame move."""
        image = np.asarray(cv2.GaussianBlur(frame.image_bgr, (BLUR_PX, BLUR_PX), 0), np.uint8)
        self._past.register(image)
        moving = self._differing(image)
        self._past.keep(image)
        return moving.astype(np.uint16)

    def _differing(self, image: UInt8Array) -> npt.NDArray[np.uint8]:
        """Return (H, W) uint8, 1 where `image` differs from both earlier frames, if there are."""
        least = np.full(image.shape[:2], 255, np.uint8)
        if len(self._past) < GAP:
            return np.zeros_like(least)
        for age in (GAP, 2 * GAP):
            view = self._past.view(-min(age, len(self._past)), image)
            least = np.minimum(least, cv2.absdiff(image, view).max(axis=2))
        otsu, _ = cv2.threshold(least, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        moving = (least > max(otsu, LEAST_DIFFERENCE)).astype(np.uint8)
        disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (HOLE_PX, HOLE_PX))
        closed = cv2.morphologyEx(moving, cv2.MORPH_CLOSE, disk)
        return clean(closed != 0, MIN_RELATIVE_AREA)
