"""Background subtraction by a mixture of Gaussians, after registration."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.evaluation.baselines.registration import homography, seen_from
from motion_seg_ros.types import Frame, UInt8Array, UInt16Array

_VARIANCE_THRESHOLD = 25.0
_SPECKLE_PX = 5
_HOLE_PX = 15


class HomographyMog2:
    """Background subtraction after registration: what moves against one image homography.

    A Gaussian mixture per pixel (OpenCV's MOG2; Zivkovic, ICPR 2004) is fitted to the past frames,
    warped into the view of the newest, which is then held against it. A median filter takes
    speckles away, a morphological closing fills holes.

    Args:
        past: how many frames the background is made of.
        corners: at most so many are followed from frame to frame.
    """

    def __init__(self, past: int = 6, corners: int = 600) -> None:
        self._corners = corners
        self._past: deque[tuple[UInt8Array, npt.NDArray[np.float64]]] = deque(maxlen=past)
        self._last_gray: UInt8Array | None = None

    def push(self, frame: Frame) -> UInt16Array:
        """(H, W) uint16, 1 where the next frame's pixels move."""
        image = frame.image_bgr
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
        if self._last_gray is not None:
            step = homography(self._last_gray, gray, self._corners)
            for index, (past, to_last) in enumerate(self._past):
                self._past[index] = (past, step @ to_last)
        moving = self._subtract(image)
        self._last_gray = gray
        self._past.append((image, np.eye(3)))
        moving = cv2.medianBlur(moving, _SPECKLE_PX).astype(np.uint8, copy=False)
        disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_HOLE_PX, _HOLE_PX))
        closed = cv2.morphologyEx(moving, cv2.MORPH_CLOSE, disk)
        return np.asarray(closed != 0, np.uint16)

    def _subtract(self, image: UInt8Array) -> UInt8Array:
        """(H, W) uint8, not 0 where `image` differs from the background; 0 before there is one."""
        if not self._past:
            return np.zeros(image.shape[:2], np.uint8)
        background = cv2.createBackgroundSubtractorMOG2(
            len(self._past), _VARIANCE_THRESHOLD, detectShadows=False
        )
        for past, to_newest in self._past:
            view = seen_from(past, to_newest, image)
            background.apply(view, learningRate=1 / len(self._past))
        return background.apply(image, learningRate=0).astype(np.uint8, copy=False)
