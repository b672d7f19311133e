"""Input channels of the mask network, made of the evidence about a frame."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.masks.fusion.evidence import Evidence
from motion_seg_ros.types import FloatArray

# Set by hand:
RESIDUAL_SCALE_PX = 0.3  # asinh is linear below and logarithmic above
LIMIT = 8.0  # of log-odds
COLOUR_MIDDLE = np.float32(128)
COLOUR_SCALE = np.array([64, 16, 16], np.float32)
# Typical size, set by hand, of belief, total, memory, flow, photometry, tracks, colour, log
# disagreement, trust; x and y of two residuals; L, a, b.
SCALES = (4, 6, 4, 2.5, 2, 4, 2, 3, 0.5, 2, 2, 2, 2, 1, 1, 1)
MASK_CHANNELS = len(SCALES)
BELIEF, RESIDUALS_X, COLOURS = 0, (9, 11), slice(13, 16)
"""Channels of the belief, the horizontal residuals, and L, a and b."""


def mask_channels(evidence: Evidence) -> FloatArray:
    """Return (MASK_CHANNELS, ceil(h / 2), ceil(w / 2)) float32: the means of maps (h, w) over
    squares of 2 x 2 pixels, in the order of SCALES."""
    maps = [
        evidence.belief,
        evidence.total,
        evidence.memory,
        evidence.flow,
        evidence.photometry,
        evidence.tracks,
        evidence.colour,
        evidence.log_disagreement,
        evidence.trust,
    ]
    maps = [np.clip(each, -LIMIT, LIMIT) for each in maps]
    for residual in evidence.residuals_px:
        maps += cv2.split(np.arcsinh(residual / np.float32(RESIDUAL_SCALE_PX)))
    height, width = evidence.belief.shape
    half = (-(-width // 2), -(-height // 2))
    small = [cv2.resize(each, half, interpolation=cv2.INTER_AREA) for each in maps]
    image = cv2.resize(evidence.image_bgr, half, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(image, cv2.COLOR_BGR2Lab).astype(np.float32) - COLOUR_MIDDLE
    small += cv2.split(lab / COLOUR_SCALE)
    return np.asarray(np.stack(small), np.float32)
