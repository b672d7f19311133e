"""Background subtraction by a mixture of Gaussians, after registration."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.lab.evaluation.baselines.registration import RegisteredFrames
from motion_seg_ros.types import Frame, UInt8Array, UInt16Array

# Set by hand.
PAST_FRAMES = 6  # of which the background is made
VARIANCE_THRESHOLD = 25.0
SPECKLE_PX = 5
HOLE_PX = 15


class HomographyMog2:
    """Background subtraction after registration by one homography for each earlier frame.

    A Gaussian mixture per pixel (OpenCV's MOG2; Zivkovic, ICPR 2004) is fitted to the past frames,
    warped into the view of the newest, which is then compared with it. A median filter removes
    speckles, a morphological closing fills holes.
    """

    def __init__(self) -> None:
        self._past = RegisteredFrames(PAST_FRAMES)

    def push(self, frame: Frame) -> UInt16Array:
        """Return (H, W) uint16, 1 where pixels of the next frame move."""
        image = frame.image_bgr
        self._past.register(image)
        moving = cv2.medianBlur(self._subtract(image), SPECKLE_PX).astype(np.uint8, copy=False)
        self._past.keep(image)
        disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (HOLE_PX, HOLE_PX))
        return np.asarray(cv2.morphologyEx(moving, cv2.MORPH_CLOSE, disk) != 0, np.uint16)

    def _subtract(self, image: UInt8Array) -> UInt8Array:
        """Return (H, W) uint8, not 0 where `image` differs from the background, if there is one."""
        count = len(self._past)
        if not count:
            return np.zeros(image.shape[:2], np.uint8)
        background = cv2.createBackgroundSubtractorMOG2(
            count, VARIANCE_THRESHOLD, detectShadows=False
        )
        for index in range(count):
            background.apply(self._past.view(index, image), learningRate=1 / count)
        return background.apply(image, learningRate=0).astype(np.uint8, copy=False)
