"""Flow evidence: pixels whose flow no static world explains."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.flow.dense import gradient_magnitude, warp
from motion_seg_ros.geometry.camera_motion import CameraMotion, fit_camera_motion
from motion_seg_ros.masks.fusion.smoothing import EdgeAwareFilter
from motion_seg_ros.types import FloatArray, UInt8Array

# Set by hand:
FIT_STEP_PX = 8  # grid of the flow vectors that take part in the fit
NOISE_ACROSS_PX = 0.1
NOISE_ALONG_PX = 0.15
MAX_SPREAD_PX = 12.0  # of static pixels across epipolar lines; beyond it there is no fit
MISMATCH_PX = 0.5  # of flow there and back that halves the trust, plus a share of its length
MISMATCH_SHARE = 0.15
LEAST_TRUST_MISMATCHED = 0.02
# Values of a prototype, lab/evaluation/baselines/fusion.py, found by trial on DAVIS:
MIN_THRESHOLD = 3.0  # spreads
OTSU_FACTOR = 1.25
SLOPE = 3.0  # log-odds per unit of log disagreement
LIMIT = 2.5
HALF_TRUST_TEXTURE = 0.5  # grey levels per pixel
TEXTURE_WINDOW_PX = 9
LEAST_TRUST = 0.01


@dataclass(frozen=True, eq=False)
class FlowFit:
    """A flow field and the static world fitted to it.

    Attributes:
        motion: the fit.
        surface: (h, w, 2) displacement of the static world, parallax apart.
        disagreement: (h, w) of the flow with the fit, in spreads.
    """

    motion: CameraMotion
    surface: FloatArray
    disagreement: FloatArray


def fit_flow(flow: FloatArray, grid: FloatArray, static_weight: FloatArray) -> FlowFit | None:
    """Fit the camera's motion to dense flow.

    Args:
        flow: (h, w, 2) pixels.
        grid: (h, w, 2) pixel coordinates.
        static_weight: (h, w) belief that a pixel is static.

    Returns:
        None where no common motion is found.
    """
    height, width = flow.shape[:2]
    step = max(1, min(FIT_STEP_PX, height // 8, width // 8))
    some = (slice(step // 2, None, step), slice(step // 2, None, step))
    motion = fit_camera_motion(
        grid[some].reshape(-1, 2),
        flow[some].reshape(-1, 2),
        static_weight[some].ravel(),
        (height, width),
    )
    if motion is None or motion.sigma_across_px > MAX_SPREAD_PX:
        return None
    surface = motion.displacement(grid)
    disagreement = motion.disagreement(grid, flow - surface, NOISE_ACROSS_PX, NOISE_ALONG_PX)
    return FlowFit(motion, surface, disagreement)


def flow_trust(
    gray: UInt8Array, backward: FloatArray, forward: FloatArray, grid: FloatArray
) -> FloatArray:
    """Return (h, w) trust in flow: low in flat areas and where forward flow does not lead back.

    A pixel that was hidden in the earlier frame, such as the ground that a mover uncovers, has no
    true flow to it, so that forward and backward flow do not match.
    """
    mismatch = backward + warp(forward, grid + backward)
    tolerance = MISMATCH_PX + MISMATCH_SHARE * np.sqrt((backward * backward).sum(axis=2))
    ratio = (mismatch[..., 0] ** 2 + mismatch[..., 1] ** 2) / tolerance**2
    matched = LEAST_TRUST_MISMATCHED + (1 - LEAST_TRUST_MISMATCHED) / (1 + ratio**2)
    return np.asarray(textured(gray) * matched + LEAST_TRUST, np.float32)


def textured(gray: UInt8Array) -> FloatArray:
    """Return (h, w) the texture around each pixel, from 0 to 1."""
    window = (TEXTURE_WINDOW_PX, TEXTURE_WINDOW_PX)
    texture = cv2.blur(gradient_magnitude(gray), window)
    return np.asarray((texture / (texture + HALF_TRUST_TEXTURE)) ** 2, np.float32)


def flow_log_odds(
    disagreement: FloatArray, trust: FloatArray, smoother: EdgeAwareFilter
) -> FloatArray:
    """Return (h, w) log-odds of moving for a disagreement (h, w) in spreads.

    The threshold is Otsu's, but at least MIN_THRESHOLD: slow movers may differ less than the heavy
    tails of the static pixels. Trusted pixels decide for their untrusted surroundings.
    """
    threshold = max(MIN_THRESHOLD, OTSU_FACTOR * _otsu(disagreement))
    log_odds = SLOPE * (np.log(disagreement + 0.05) - np.float32(np.log(threshold)))
    probability = 1 / (1 + np.exp(-np.clip(log_odds, -LIMIT, LIMIT)))
    spread = np.clip(smoother.spread(probability, trust, 1e-6), 0.02, 0.98)
    return np.asarray(np.log(spread / (1 - spread)), np.float32)


def _otsu(disagreement: FloatArray) -> float:
    """Return Otsu's threshold of the disagreement, on a square-root scale."""
    top = float(np.percentile(disagreement[::2, ::2], 99))
    root = np.sqrt(np.minimum(disagreement, top))
    scale = max(float(root.max()), 1e-3) / 255
    level, _ = cv2.threshold((root / scale).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    return float((level * scale) ** 2)
