"""The plain method people use today, to measure against."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import BoolArray, Frame, UInt8Array


class HomographyMog2:
    """Background subtraction after registration: what moves against one image homography.

    Corners of the last frame are followed by pyramidal Lucas-Kanade, a homography is fitted to them
    by RANSAC, and all frames are warped into the view of the first one since the last restart.
    There OpenCV's MOG2 (Zivkovic, ICPR 2004) models each pixel. When the view has drifted off by a
    third of the image the model starts anew.

    Args:
        corners: at most so many are followed.
    """

    def __init__(self, corners: int = 600) -> None:
        self._corners = corners
        self._last_gray: UInt8Array | None = None
        self._to_model: npt.NDArray[np.float64] = np.eye(3)
        self._model = self._new_model()

    def push(self, frame: Frame) -> BoolArray:
        """(H, W) bool: the moving pixels of the next frame."""
        gray = cv2.cvtColor(frame.image_bgr, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
        height, width = gray.shape
        if self._last_gray is not None:
            self._to_model = self._to_model @ self._homography(self._last_gray, gray)
            if self._drift(height, width) > 1 / 3:
                self._to_model, self._model = np.eye(3), self._new_model()
        self._last_gray = gray
        view = cv2.warpPerspective(frame.image_bgr, self._to_model, (width, height))
        moving = (self._model.apply(view) == 255).astype(np.uint8)  # 127 is shadow
        back = np.linalg.inv(self._to_model)
        here = cv2.warpPerspective(moving, back, (width, height), flags=cv2.INTER_NEAREST)
        return here.astype(bool)

    def _homography(self, last: UInt8Array, gray: UInt8Array) -> npt.NDArray[np.float64]:
        """(3, 3): pixels of `gray` -> pixels of `last`; identity where none can be found."""
        points = cv2.goodFeaturesToTrack(last, self._corners, 0.01, 8)
        if points is None or len(points) < 4:
            return np.eye(3)
        moved, found, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
            last, gray, points, None
        )
        kept = found[:, 0] == 1
        if kept.sum() < 4:
            return np.eye(3)
        homography, _ = cv2.findHomography(moved[kept], points[kept], cv2.RANSAC, 3.0)
        return np.eye(3) if homography is None else homography.astype(np.float64)

    def _drift(self, height: int, width: int) -> float:
        """How far the image's corners lie from the model's, as a share of the width."""
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)
        moved = cv2.perspectiveTransform(corners[None], self._to_model)[0]
        return float(np.abs(moved - corners).max()) / width

    @staticmethod
    def _new_model() -> cv2.BackgroundSubtractorMOG2:
        return cv2.createBackgroundSubtractorMOG2(history=120, varThreshold=25, detectShadows=True)
