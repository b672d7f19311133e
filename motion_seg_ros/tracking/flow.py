"""Tracks from dense flow, chained frame by frame."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.flow import DenseFlow, gradient_magnitude, resized, sample
from motion_seg_ros.tracking.lifecycle import Advance, TrackLifecycle
from motion_seg_ros.types import FloatArray, Tracks, UInt8Array
from motion_seg_ros.window import Window

# A step must lead back to within this many working pixels, plus this share of its length.
MISMATCH_PX = 0.4
MISMATCH_SHARE = 0.1


class FlowTracker:
    """Chains DIS flow into long-range tracks; a step that does not lead back ends the track.

    Args:
        flow: the dense flow shared with the mask stage.
        seeds: tracks kept alive at least, about.
    """

    def __init__(self, *, flow: DenseFlow, seeds: int) -> None:
        self._flow = flow
        self._lifecycle = TrackLifecycle(seeds)

    def update(self, window: Window) -> Tracks:
        """See motion_seg_ros.tracking.base.Tracker."""
        return self._lifecycle.update(window, self._advance(window, self._lifecycle.alive_xy_px))

    def reset(self) -> None:
        """See motion_seg_ros.tracking.base.Tracker."""
        self._lifecycle.reset()

    def _advance(self, window: Window, xy_px: FloatArray) -> Advance:
        size = window.newest.size
        if len(xy_px) == 0:
            return Advance(xy_px, np.zeros(0, bool), np.zeros(0, np.float32))
        working = self._flow.size(window)
        start = resized(xy_px, size, working)
        step = sample(self._flow.forward(window), start)
        end = start + step
        mismatch = np.linalg.norm(step + sample(self._flow.backward(window, 1), end), axis=1)
        tolerance = MISMATCH_PX + MISMATCH_SHARE * np.linalg.norm(step, axis=1)
        confidence = step_confidence(mismatch / tolerance, self._flow.image(window).gray, end)
        return Advance(resized(end, working, size), mismatch < tolerance, confidence)


def step_confidence(mismatch: FloatArray, gray: UInt8Array, xy: FloatArray) -> FloatArray:
    """Trust in positions found by matching.

    Args:
        mismatch: (N,) distance by which the way back misses the start, in tolerances.
        gray: (h, w) uint8 newest image.
        xy: (N, 2) positions in it; flat surroundings tell little about where they are.

    Returns:
        (N,) float32 in [0, 1].
    """
    texture = sample(gradient_magnitude(gray), xy)
    half_trusted_texture = np.float32(0.5)  # grey levels per pixel
    trust = texture / (texture + half_trusted_texture) / (1 + mismatch**2)
    return np.asarray(np.clip(trust, 0, 1), np.float32)
