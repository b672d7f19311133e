"""Tracks from dense optical flow, chained frame by frame."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.flow.lookup import gradient_magnitude, resized, sample
from motion_seg_ros.tracking.lifecycle import Advance, StepTracker
from motion_seg_ros.types import FloatArray
from motion_seg_ros.window import Window

# Forward-backward check: the largest error in working pixels, plus this share of the step's length.
# Set by hand.
MISMATCH_PX = 0.4
MISMATCH_SHARE = 0.1
HALF_TRUSTED_TEXTURE = 0.5  # gradient in grey levels per pixel at which confidence is halved


class FlowTracker(StepTracker):
    """Chains DIS flow into long-range tracks; a step that fails the forward-backward check ends the
    track.
    """

    def _advance(self, window: Window, xy_px: FloatArray) -> Advance:
        size = window.newest.size
        working = self._flow.size(window)
        start = resized(xy_px, size, working)
        step = sample(self._flow.forward(window), start)
        end = start + step
        mismatch = step_mismatch(step, sample(self._flow.backward(window, 1), end))
        texture = sample(gradient_magnitude(self._flow.image(window).gray), end)
        confidence = step_confidence(mismatch, texture)
        return Advance(resized(end, working, size), mismatch < 1, confidence)


def step_mismatch(step: FloatArray, back: FloatArray) -> FloatArray:
    """Return the forward-backward error (N,) float32 in tolerances; a step of 1 or more fails.

    Args:
        step: (N, 2) float32 to the newest frame, working pixels.
        back: (N, 2) float32 from there back to the frame before.
    """
    tolerance = MISMATCH_PX + MISMATCH_SHARE * np.linalg.norm(step, axis=1)
    return np.asarray(np.linalg.norm(step + back, axis=1) / tolerance, np.float32)


def step_confidence(mismatch: FloatArray, texture: FloatArray) -> FloatArray:
    """Return the confidence in positions found by matching.

    Args:
        mismatch: (N,) forward-backward error in tolerances.
        texture: (N,) float32 gradient at the positions in grey levels per pixel; matches in flat
            surroundings are uncertain.

    Returns:
        (N,) float32 in [0, 1].
    """
    trust = texture / (texture + HALF_TRUSTED_TEXTURE) / (1 + mismatch**2)
    return np.asarray(np.clip(trust, 0, 1), np.float32)
