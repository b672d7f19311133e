"""Evidence for and against motion at each pixel of one frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.types import FloatArray


@dataclass(frozen=True, eq=False)
class MotionEvidence:
    """Evidence of flow and photometry: float32 maps of the newest frame; log-odds are of moving.

    The first three are maps (h, w) at working resolution, the others (ceil(h / 2), ceil(w / 2)).

    Attributes:
        flow: log-odds by the flow's disagreement with the camera's motion.
        photometry: log-odds by the colour seen before at a place.
        trust: trust in the flow, above 0; 0 where the camera's motion is unknown, as are the
            following.
        log_disagreement: log of the flow's disagreement with the static world, in spreads.
        behind_camera, behind_ground: standard errors by which a still pixel would be there.
        nearness: inverse depth of a still pixel; the median of the static ones is 1.
        depth_certainty: log(1 + 1 / its standard error).
        residual_px: (..., 2) flow to the last frame less that of the best static point, x and y in
            working pixels.
    """

    flow: FloatArray
    photometry: FloatArray
    trust: FloatArray
    log_disagreement: FloatArray
    behind_camera: FloatArray
    behind_ground: FloatArray
    nearness: FloatArray
    depth_certainty: FloatArray
    residual_px: FloatArray

    @classmethod
    def none(cls, size: tuple[int, int]) -> MotionEvidence:
        """Return evidence of nothing, for `size` = (h, w)."""
        whole, half = np.zeros(size, np.float32), np.zeros(half_size(size), np.float32)
        still = np.zeros((*half.shape, 2), np.float32)
        return cls(whole, whole, whole, half, half, half, half, half, still)


@dataclass(frozen=True, eq=False)
class Evidence(MotionEvidence):
    """All evidence, and the belief that results from it: maps (h, w).

    Attributes:
        belief: log-odds by all evidence, smoothed up to the image's edges.
        total: log-odds before that smoothing.
        tracks: log-odds of the labelled tracks, spread to their surroundings.
        colour: log-odds by the colours that moved before.
    """

    belief: FloatArray
    total: FloatArray
    tracks: FloatArray
    colour: FloatArray


def half_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return half of h and w, rounded up."""
    return -(-size[0] // 2), -(-size[1] // 2)


def scaled(values: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Return a map (h, w, ...) at another size (h, w): means over squares where it is smaller,
    interpolated where larger."""
    smaller = size[0] < values.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, size[::-1], interpolation=how), np.float32)
