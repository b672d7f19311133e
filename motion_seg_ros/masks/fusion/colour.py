"""Colour evidence: histograms of the moving and the static pixels of the stream."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.types import FloatArray, Int64Array, UInt8Array

BINS = 16  # per Lab channel
# Values of a prototype, lab/evaluation/baselines/fusion.py; on rendered scenes none is clearly
# better, see docs/masks_tried.md:
SMOOTHING = 2e-4  # share of pixels that any colour has at least
DECAY = 0.92  # of a frame's weight with each new frame
# Set by hand:
LIMIT = 2.0  # of the log-odds
MIN_MOVING_PIXELS = 50.0
CONFIDENT = 0.6  # belief from which on a pixel counts for its class


class ColourModel:
    """Online Lab histograms of moving and static pixels."""

    def __init__(self) -> None:
        self._moving = np.zeros(BINS**3)
        self._static = np.zeros(BINS**3)

    def log_odds(self, bins: Int64Array) -> FloatArray:
        """Return (h, w) float32 log-odds of moving by colour; 0 before anything has moved."""
        if self._moving.sum() < MIN_MOVING_PIXELS:
            return np.zeros(bins.shape, np.float32)
        moving = self._moving / self._moving.sum() + SMOOTHING
        static = self._static / max(self._static.sum(), 1.0) + SMOOTHING
        table = np.clip(np.log(moving / static), -LIMIT, LIMIT).astype(np.float32)
        return np.asarray(table[bins], np.float32)

    def learn(
        self, bins: Int64Array, moving_probability: FloatArray, allowed: FloatArray | float = 1.0
    ) -> None:
        """Add a frame: its colour bins, (h, w) beliefs, and the share of each pixel that may count
        as moving."""
        span = 1 - CONFIDENT
        moving = allowed * np.clip((moving_probability - CONFIDENT) / span, 0, 1)
        static = np.clip((span - moving_probability) / span, 0, 1)
        for histogram, weight in ((self._moving, moving), (self._static, static)):
            histogram *= DECAY
            histogram += np.bincount(bins.ravel(), weight.ravel(), BINS**3)


def colour_bins(bgr: UInt8Array) -> Int64Array:
    """Return (h, w) the Lab bin of each pixel, 0 to BINS**3 - 1; chroma is binned twice as
    finely."""
    levels = np.arange(256)
    chroma = np.clip((levels - 64) >> 3, 0, BINS - 1)
    tables = (levels >> 4) * BINS**2, chroma * BINS, chroma
    planes = cv2.split(cv2.cvtColor(bgr, cv2.COLOR_BGR2Lab))
    lightness, a, b = (
        cv2.LUT(plane, table.astype(np.uint16)) for plane, table in zip(planes, tables, strict=True)
    )
    return np.asarray(lightness + a + b, np.int64)
