"""Tracks from pyramidal Lucas-Kanade optical flow."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.flow.dense import DenseFlow, gradient_magnitude, resized, sample
from motion_seg_ros.tracking.flow import step_confidence
from motion_seg_ros.tracking.lifecycle import Advance, TrackLifecycle
from motion_seg_ros.types import BoolArray, FloatArray, Tracks, UInt8Array
from motion_seg_ros.window import Window

MISMATCH_PX = 0.5  # largest forward-backward error in working pixels; set by hand
WINDOW_PX = 15  # set by hand
PYRAMID_LEVELS = 3  # OpenCV's default


class LucasKanadeTracker:
    """Tracks each point by itself; one that fails the forward-backward check is lost.

    Args:
        flow: the source of working images, shared with the mask stage.
        seeds: tracks kept alive at least, about.
    """

    def __init__(self, *, flow: DenseFlow, seeds: int) -> None:
        self._flow = flow
        self._lifecycle = TrackLifecycle(seeds)

    def update(self, window: Window) -> Tracks:
        """See motion_seg_ros.tracking.base.Tracker."""
        lifecycle = self._lifecycle
        for step in lifecycle.steps(window):
            lifecycle.update(step, self._advance(step, lifecycle.alive_xy_px))
        return lifecycle.tracks

    def reset(self) -> None:
        """See motion_seg_ros.tracking.base.Tracker."""
        self._lifecycle.reset()

    def _advance(self, window: Window, xy_px: FloatArray) -> Advance:
        if len(xy_px) == 0:
            return Advance(xy_px, np.zeros(0, bool), np.zeros(0, np.float32))
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
