"""Tracks from pyramidal Lucas-Kanade optical flow."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.flow.lookup import gradient_magnitude, resized, sample
from motion_seg_ros.tracking.flow import step_confidence
from motion_seg_ros.tracking.lifecycle import Advance, StepTracker
from motion_seg_ros.types import BoolArray, FloatArray, UInt8Array
from motion_seg_ros.window import Window

MISMATCH_PX = 0.5  # largest forward-backward error in working pixels; set by hand
WINDOW_PX = 15  # set by hand
PYRAMID_LEVELS = 3  # OpenCV's default


class LucasKanadeTracker(StepTracker):
    """Tracks each point by itself; one that fails the forward-backward check is lost."""

    def _advance(self, window: Window, xy_px: FloatArray) -> Advance:
        size, working = window.newest.size, self._flow.size(window)
        before, newest = self._flow.image(window, 1).gray, self._flow.image(window).gray
        start = resized(xy_px, size, working)[:, None]
        end, found = _follow(before, newest, start)
        back, found_back = _follow(newest, before, end)
        mismatch = np.linalg.norm(back - start, axis=2)[:, 0] / MISMATCH_PX
        ok = found & found_back & (mismatch < 1)
        confidence = step_confidence(mismatch, sample(gradient_magnitude(newest), end[:, 0]))
        return Advance(resized(end[:, 0], working, size), ok, confidence)


def _follow(
    start_image: UInt8Array, end_image: UInt8Array, start: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Return the positions (N, 1, 2) of points of one image in another, and a mask (N,) of those
    found."""
    end, status, _ = cv2.calcOpticalFlowPyrLK(
        start_image,
        end_image,
        start,
        start.copy(),
        winSize=(WINDOW_PX, WINDOW_PX),
        maxLevel=PYRAMID_LEVELS,
    )
    return np.asarray(end, np.float32), np.asarray(status[:, 0] == 1)
