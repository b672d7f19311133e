"""Evidence for and against motion at each pixel of one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion_seg_ros.types import FloatArray, UInt8Array


@dataclass(frozen=True, eq=False)
class MotionEvidence:
    """Evidence of flow and photometry: maps (h, w) float32 of the newest frame at working
    resolution; log-odds are of moving.

    Attributes:
        flow: log-odds by the flow's disagreement with the camera's motion.
        photometry: log-odds by the colour seen before at a place.
        log_disagreement: log of the flow's mean disagreement in spreads; 0 where unknown.
        trust: trust in the flow, above 0; 0 where the camera's motion is unknown.
        residuals_px: one (h, w, 2) for each of the gaps of 1 and 3 frames: flow less the static
            world's, x and y in working pixels; 0 where unknown.
    """

    flow: FloatArray
    photometry: FloatArray
    log_disagreement: FloatArray
    trust: FloatArray
    residuals_px: tuple[FloatArray, FloatArray]

    @classmethod
    def none(cls, size: tuple[int, int]) -> MotionEvidence:
        """Return evidence of nothing, for `size` = (h, w)."""
        zero, still = np.zeros(size, np.float32), np.zeros((*size, 2), np.float32)
        return cls(zero, zero, zero, zero, (still, still))


@dataclass(frozen=True, eq=False)
class Evidence(MotionEvidence):
    """All evidence, and the belief that results from it.

    Attributes:
        image_bgr: (h, w, 3) uint8.
        belief: log-odds by all evidence, smoothed up to the image's edges.
        total: log-odds before that smoothing.
        memory: log-odds of the frame before, carried along by flow.
        tracks: log-odds of the labelled tracks, spread to their surroundings.
        colour: log-odds by the colours that moved before.
    """

    image_bgr: UInt8Array
    belief: FloatArray
    total: FloatArray
    memory: FloatArray
    tracks: FloatArray
    colour: FloatArray
