"""Recursive fusion of dense evidence, without tracks."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.flow.dense import DenseFlow, WorkingImage
from motion_seg_ros.flow.lookup import warp
from motion_seg_ros.geometry.statistics import MAD_TO_SIGMA, weighted_quantile
from motion_seg_ros.lab.evaluation.baselines.quadratic import fit_quadratic, quadratic_basis
from motion_seg_ros.masks.fusion.background import BackgroundViews
from motion_seg_ros.masks.fusion.colour import ColourModel, colour_bins
from motion_seg_ros.masks.fusion.flow_evidence import (
    FLOW_GAPS,
    LEAST_TRUST,
    flow_log_odds,
    textured,
)
from motion_seg_ros.masks.fusion.posterior import (
    COLOUR_WEIGHT,
    EVIDENCE_SIGMA,
    EVIDENCE_STRENGTH,
    LIMIT,
    MEMORY_LIMIT,
    MEMORY_OUTSIDE,
    MEMORY_WEIGHT,
    RESULT_SIGMA,
    RESULT_STRENGTH,
    PixelPrior,
    probability,
)
from motion_seg_ros.masks.fusion.refinement import clean
from motion_seg_ros.masks.fusion.smoothing import EdgeAwareFilter, require_edge_aware_smoothing
from motion_seg_ros.settings.stages import FlowConfig
from motion_seg_ros.types import FloatArray, Frame, UInt16Array
from motion_seg_ros.window import SlidingWindow, Window

# Set by hand.
PRIOR_LOG_ODDS = -1.6
FIT_STEP_PX = 8  # grid of the flow vectors that take part in the fit
MIN_SIGMA_PX = 0.15
MIN_RELATIVE_AREA = 0.2  # of the largest part


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
        self._frames = SlidingWindow(max(FLOW_GAPS) + 1, float("inf"))
        self._views = BackgroundViews()
        self._colour = ColourModel()
        self._prior: PixelPrior | None = None
        self._log_odds: FloatArray | None = None

    def push(self, frame: Frame) -> UInt16Array:
        """Return (H, W) uint16, 1 where pixels of the next frame move."""
        window = self._frames.push(frame)
        image = self._flow.image(window)
        if self._prior is None or self._log_odds is None:
            size = (image.gray.shape[0], image.gray.shape[1])
            self._prior = PixelPrior.of_size(size, PRIOR_LOG_ODDS)
            self._views.log_odds(image.bgr, self._prior.grid, None, 1)
            self._log_odds = np.zeros(size, np.float32)
            return np.zeros(frame.size, np.uint16)
        self._log_odds = self._update(window, image, self._prior, self._log_odds)
        height, width = frame.size
        large = cv2.resize(self._log_odds, (width, height), interpolation=cv2.INTER_LINEAR)
        return clean(large > 0, MIN_RELATIVE_AREA).astype(np.uint16)

    def _update(
        self, window: Window, image: WorkingImage, prior: PixelPrior, last: FloatArray
    ) -> FloatArray:
        """Return (h, w) log-odds of moving, given those of the frame before."""
        memory = warp(last, prior.grid + self._flow.backward(window, 1), MEMORY_OUTSIDE)
        bins = colour_bins(image.bgr)
        total = prior.log_odds + MEMORY_WEIGHT * np.clip(memory, -MEMORY_LIMIT, MEMORY_LIMIT)
        total += self._motion_log_odds(window, image, prior, memory)
        total += COLOUR_WEIGHT * self._colour.log_odds(bins)
        smoother = EdgeAwareFilter(image.bgr, RESULT_STRENGTH, RESULT_SIGMA)
        belief = smoother.smooth(probability(np.clip(total, -LIMIT, LIMIT)))
        belief = np.clip(belief, 0.01, 0.99)
        self._colour.learn(bins, belief)
        return np.asarray(np.log(belief / (1 - belief)), np.float32)

    def _motion_log_odds(
        self, window: Window, image: WorkingImage, prior: PixelPrior, memory: FloatArray
    ) -> FloatArray:
        """Return (h, w) log-odds from flow and photometry."""
        static_weight = prior.static_weight * (1.02 - probability(memory))
        gaps = [each for each in FLOW_GAPS if each < len(window)]
        disagreement = np.zeros_like(memory)
        for gap in gaps:
            flow = self._flow.backward(window, gap)
            background, sigma = _background(flow, prior.grid, static_weight)
            residual = flow - background
            distance = np.sqrt((residual * residual).sum(axis=2))
            disagreement += distance / np.float32(max(sigma, MIN_SIGMA_PX) * len(gaps))
        photometric = self._views.log_odds(image.bgr, prior.grid, background, gaps[-1])
        smoother = EdgeAwareFilter(image.bgr, EVIDENCE_STRENGTH, EVIDENCE_SIGMA)
        trust = textured(image.gray) + np.float32(LEAST_TRUST)
        by_flow = flow_log_odds(disagreement, trust, smoother)
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
