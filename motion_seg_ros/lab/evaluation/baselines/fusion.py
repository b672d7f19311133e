"""Recursive fusion of dense evidence, without tracks."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.flow.lookup import warp
from motion_seg_ros.geometry.statistics import MAD_TO_SIGMA, weighted_quantile
from motion_seg_ros.lab.evaluation.baselines.quadratic import fit_quadratic, quadratic_basis
from motion_seg_ros.masks.fusion.background import BackgroundViews
from motion_seg_ros.masks.fusion.colour import ColourModel
from motion_seg_ros.masks.fusion.flow_evidence import LEAST_TRUST, flow_log_odds
from motion_seg_ros.masks.fusion.image_evidence import ImageEvidence
from motion_seg_ros.masks.fusion.posterior import (
    COLOUR_WEIGHT,
    border_depth,
    prior_log_odds,
    probability,
)
from motion_seg_ros.masks.fusion.refinement import clean
from motion_seg_ros.masks.fusion.smoothing import require_edge_aware_smoothing
from motion_seg_ros.settings.stages import FlowConfig
from motion_seg_ros.types import FloatArray, Frame, UInt16Array
from motion_seg_ros.window import SlidingWindow

# Set by hand.
GAP = 3  # frames
PRIOR_LOG_ODDS = -1.6
FIT_STEP_PX = 8  # grid of the flow vectors that take part in the fit
MIN_SIGMA_PX = 0.15
MIN_RELATIVE_AREA = 0.2  # of the largest part
# Found by trial on DAVIS:
MEMORY_WEIGHT = 0.7
MEMORY_LIMIT = 3.0
MEMORY_OUTSIDE = -0.5  # log-odds of what comes into view
LIMIT = 6.0


class RecursiveFusion:
    """Bayesian filter over pixels of flow, photometry and colour alone.

    DIS flow to the frames 1 and 3 before; a quadratic background motion fitted robustly to each,
    weighted by the last belief; the distance of flow from it, spread from textured pixels; colours
    that no registered earlier frame explains; the last belief carried along by flow; online colour
    histograms. masks.backend densifier shares these parts; this filter has neither tracks nor
    parallax, no forward-backward check of flow, and no snapping to the edges of the full image.

    Raises:
        MissingDependencyError: this OpenCV has no cv2.ximgproc.
    """

    def __init__(self) -> None:
        require_edge_aware_smoothing()
        self._flow = DenseFlow(FlowConfig.max_side_px)
        self._frames = SlidingWindow(GAP + 1, float("inf"), 0.0)
        self._views = BackgroundViews()
        self._colour = ColourModel()
        self._log_odds: FloatArray | None = None

    def push(self, frame: Frame) -> UInt16Array:
        """Return (H, W) uint16, 1 where pixels of the next frame move."""
        seen = ImageEvidence.of(self._frames.push(frame), self._flow, GAP)
        if self._log_odds is None:
            self._views.log_odds(seen.image_bgr, seen.grid, None, 1)
            self._log_odds = np.zeros(seen.size, np.float32)
            return np.zeros(frame.size, np.uint16)
        self._log_odds = self._update(seen, self._log_odds)
        height, width = frame.size
        large = cv2.resize(self._log_odds, (width, height), interpolation=cv2.INTER_LINEAR)
        return clean(large > 0, MIN_RELATIVE_AREA).astype(np.uint16)

    def _update(self, seen: ImageEvidence, last: FloatArray) -> FloatArray:
        """Return (h, w) log-odds of moving, given those of the frame before."""
        memory = warp(last, seen.grid + seen.flows[0][1], MEMORY_OUTSIDE)
        total = prior_log_odds(seen.size, PRIOR_LOG_ODDS)
        total = total + MEMORY_WEIGHT * np.clip(memory, -MEMORY_LIMIT, MEMORY_LIMIT)
        total += self._motion_log_odds(seen, memory)
        total += COLOUR_WEIGHT * self._colour.log_odds(seen.colours)
        belief = seen.finisher.smooth(probability(np.clip(total, -LIMIT, LIMIT)))
        belief = np.clip(belief, 0.01, 0.99)
        self._colour.learn(seen.colours, belief)
        return np.asarray(np.log(belief / (1 - belief)), np.float32)

    def _motion_log_odds(self, seen: ImageEvidence, memory: FloatArray) -> FloatArray:
        """Return (h, w) log-odds from flow and photometry."""
        # More surely static towards the border; found by trial on DAVIS, too.
        border = 0.35 + 0.65 * np.exp(-border_depth(seen.size) / 0.12)
        static_weight = np.asarray(border * (1.02 - probability(memory)), np.float32)
        disagreement = np.zeros_like(memory)
        for _, flow in seen.flows:
            background, sigma = _background(flow, seen.grid, static_weight)
            residual = flow - background
            distance = np.sqrt((residual * residual).sum(axis=2))
            disagreement += distance / np.float32(max(sigma, MIN_SIGMA_PX) * len(seen.flows))
        gap = seen.flows[-1][0]
        photometric = self._views.log_odds(seen.image_bgr, seen.grid, background, gap)
        trust = seen.texture + np.float32(LEAST_TRUST)
        by_flow = flow_log_odds(disagreement, trust, seen.smoother)
        return by_flow if photometric is None else by_flow + photometric


def _background(
    flow: FloatArray, grid: FloatArray, static_weight: FloatArray
) -> tuple[FloatArray, float]:
    """Return (h, w, 2) quadratic motion of the static world, and the spread of the static pixels
    about it, in pixels."""
    height, width = flow.shape[:2]
    step = max(1, min(FIT_STEP_PX, height // 8, width // 8))
    some = (slice(step // 2, None, step), slice(step // 2, None, step))
    basis = quadratic_basis(grid[some].reshape(-1, 2).astype(np.float64), (height, width))
    moved = flow[some].reshape(-1, 2).astype(np.float64)
    prior = static_weight[some].ravel().astype(np.float64)
    surface = fit_quadratic(basis, moved, prior)
    distance = np.linalg.norm(moved - basis @ surface, axis=1)
    sigma = MAD_TO_SIGMA * float(weighted_quantile(distance, prior, 0.5))
    field = quadratic_basis(grid, (height, width)) @ surface.astype(np.float32)
    return np.asarray(field, np.float32), sigma
