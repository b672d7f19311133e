"""The plain method people use today, to measure against."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import BoolArray, Frame, UInt8Array

_VARIANCE_THRESHOLD = 25.0
_SPECKLE_PX = 5
_HOLE_PX = 15


class HomographyMog2:
    """Background subtraction after registration: what moves against one image homography.

    Corners of the last frame are followed by pyramidal Lucas-Kanade and a homography is fitted to
    them by RANSAC. A Gaussian mixture per pixel (OpenCV's MOG2; Zivkovic, ICPR 2004) is fitted to
    the past frames, warped into the view of the newest, which is then held against it. A median
    filter takes speckles away, a morphological closing fills holes.

    Args:
        past: how many frames the background is made of.
        corners: at most so many are followed.
    """

    def __init__(self, past: int = 6, corners: int = 600) -> None:
        self._corners = corners
        self._past: deque[tuple[UInt8Array, npt.NDArray[np.float64]]] = deque(maxlen=past)
        self._last_gray: UInt8Array | None = None

    def push(self, frame: Frame) -> BoolArray:
        """(H, W) bool: the moving pixels of the next frame."""
        image = frame.image_bgr
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
        if self._last_gray is not None:
            step = self._homography(self._last_gray, gray)
            for index, (past, to_last) in enumerate(self._past):
                self._past[index] = (past, step @ to_last)
        moving = self._subtract(image)
        self._last_gray = gray
        self._past.append((image, np.eye(3)))
        moving = cv2.medianBlur(moving, _SPECKLE_PX).astype(np.uint8, copy=False)
        disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_HOLE_PX, _HOLE_PX))
        return cv2.morphologyEx(moving, cv2.MORPH_CLOSE, disk).astype(bool)

    def _subtract(self, image: UInt8Array) -> UInt8Array:
        """(H, W) uint8, not 0 where `image` differs from the background; 0 before there is one."""
        height, width = image.shape[:2]
        if not self._past:
            return np.zeros((height, width), np.uint8)
        background = cv2.createBackgroundSubtractorMOG2(
            len(self._past), _VARIANCE_THRESHOLD, detectShadows=False
        )
        for past, to_newest in self._past:
            # What the past did not see is taken to be as it is now.
            view = cv2.warpPerspective(
                past, to_newest, (width, height), image.copy(), borderMode=cv2.BORDER_TRANSPARENT
            )
            background.apply(view, learningRate=1 / len(self._past))
        return background.apply(image, learningRate=0).astype(np.uint8, copy=False)

    def _homography(self, last: UInt8Array, gray: UInt8Array) -> npt.NDArray[np.float64]:
        """(3, 3): pixels of `last` -> pixels of `gray`; identity where none can be found."""
        points = cv2.goodFeaturesToTrack(last, self._corners, 0.01, 8)
        if points is None or len(points) < 4:
            return np.eye(3)
        moved, found, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
            last, gray, points, None
        )
        kept = found[:, 0] == 1
        if kept.sum() < 4:
            return np.eye(3)
        homography, _ = cv2.findHomography(points[kept], moved[kept], cv2.RANSAC, 3.0)
        return np.eye(3) if homography is None else homography.astype(np.float64)
