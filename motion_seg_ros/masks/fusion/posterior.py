"""Belief per pixel that it moves: recursive fusion of all evidence at working resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion_seg_ros.flow.dense import DenseFlow, WorkingImage, pixel_grid, resized, warp
from motion_seg_ros.masks.fusion.background import BackgroundViews
from motion_seg_ros.masks.fusion.colour import ColourModel, colour_bins
from motion_seg_ros.masks.fusion.evidence import Evidence, MotionEvidence
from motion_seg_ros.masks.fusion.flow_evidence import FlowFit, fit_flow, flow_log_odds, flow_trust
from motion_seg_ros.masks.fusion.smoothing import EdgeAwareFilter
from motion_seg_ros.types import FloatArray, TrackLabels, Tracks
from motion_seg_ros.window import Window

# Values of a prototype, lab/evaluation/baselines/fusion.py, found by trial on DAVIS:
FLOW_GAPS = (1, 3)  # frames
BORDER_LOG_ODDS = -1.6  # prior at the very border, where flow is worst
MEMORY_WEIGHT = 0.7
MEMORY_LIMIT = 3.0
MEMORY_OUTSIDE = -0.5  # log-odds of what comes into view
COLOUR_WEIGHT = 1.1
EVIDENCE_STRENGTH, EVIDENCE_SIGMA = 100.0, 10.0
RESULT_STRENGTH, RESULT_SIGMA = 30.0, 8.0
LOG_OFFSET = 0.05  # spreads
# Set by hand:
PRIOR_LOG_ODDS = -1.8  # most of the world is static
TRACK_LIMIT = 4.0
STATIC_FLOW_LIMIT = 0.3  # flow like the camera's does not rule out motion, which the tracks show
LIMIT = 6.0
TRACK_WEIGHT_FLOOR = 2e-3


@dataclass(frozen=True, eq=False)
class PixelPrior:
    """Beliefs that depend on the working size only.

    Attributes:
        grid: (h, w, 2) pixel coordinates.
        static_weight: (h, w) belief that a pixel is static, for the fit of the camera's motion.
        log_odds: (h, w) prior log-odds of moving.
    """

    grid: FloatArray
    static_weight: FloatArray
    log_odds: FloatArray

    @classmethod
    def of_size(cls, size: tuple[int, int], log_odds: float) -> PixelPrior:
        """Return the prior for working images of `size` = (h, w), with `log_odds` in the middle."""
        height, width = size
        grid = pixel_grid(size)
        edge = np.minimum(grid, np.array([width - 1, height - 1], np.float32) - grid)
        depth = (edge / np.array([width, height], np.float32)).min(axis=2)
        # The shares and widths are the prototype's, see above.
        static_weight = np.asarray(0.35 + 0.65 * np.exp(-depth / 0.12), np.float32)
        prior = log_odds + BORDER_LOG_ODDS * np.exp(-((depth / 0.06) ** 2))
        return cls(grid, static_weight, np.asarray(prior, np.float32))


class MotionPosterior:
    """Bayesian filter over pixels: flow, photometry, tracks and colour update the last frame's
    belief, carried along by flow.

    Args:
        flow: the dense flow shared with the tracker.
    """

    def __init__(self, *, flow: DenseFlow) -> None:
        self._flow = flow
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._log_odds: FloatArray | None = None
        self._prior: PixelPrior | None = None
        self._colour = ColourModel()
        self._views = BackgroundViews()

    def update(self, window: Window, tracks: Tracks, labels: TrackLabels) -> Evidence | None:
        """Return the evidence about the newest frame; None for a stream's first frame."""
        image = self._flow.image(window)
        if len(window) == 1 or self._prior is None or self._log_odds is None:
            size = image.gray.shape[0], image.gray.shape[1]
            self._prior = PixelPrior.of_size(size, PRIOR_LOG_ODDS)
            self._log_odds = np.zeros(size, np.float32)
            self._views.log_odds(image.bgr, self._prior.grid, None, 1, 0.0)
            return None
        prior = self._prior
        smoother = EdgeAwareFilter(image.bgr, EVIDENCE_STRENGTH, EVIDENCE_SIGMA)
        place = prior.grid + self._flow.backward(window, 1)
        memory = warp(self._log_odds, place, MEMORY_OUTSIDE)
        motion = self._motion_evidence(window, image, prior, memory, smoother)
        by_tracks = self._track_evidence(window, tracks, labels, smoother)
        bins = colour_bins(image.bgr)
        by_colour = self._colour.log_odds(bins)
        total = prior.log_odds + MEMORY_WEIGHT * np.clip(memory, -MEMORY_LIMIT, MEMORY_LIMIT)
        total += np.maximum(motion.flow, np.float32(-STATIC_FLOW_LIMIT)) + motion.photometry
        total += by_tracks + COLOUR_WEIGHT * by_colour
        belief = probability(np.clip(total, -LIMIT, LIMIT))
        belief = EdgeAwareFilter(image.bgr, RESULT_STRENGTH, RESULT_SIGMA).smooth(belief)
        belief = np.clip(belief, 0.01, 0.99)
        self._colour.learn(bins, belief)
        self._log_odds = np.asarray(np.log(belief / (1 - belief)), np.float32)
        return Evidence(
            image_bgr=image.bgr,
            belief=self._log_odds,
            total=total,
            memory=memory,
            tracks=by_tracks,
            colour=by_colour,
            **vars(motion),
        )

    def _motion_evidence(
        self,
        window: Window,
        image: WorkingImage,
        prior: PixelPrior,
        memory: FloatArray,
        smoother: EdgeAwareFilter,
    ) -> MotionEvidence:
        """Return the evidence of flow and photometry; none where the camera's motion is unknown."""
        static_weight = prior.static_weight * (1.02 - probability(memory))
        fits: list[FlowFit] = []
        for gap in FLOW_GAPS:
            if gap < len(window):
                fit = fit_flow(self._flow.backward(window, gap), prior.grid, static_weight)
                if fit is None:
                    break
                fits.append(fit)
        if not fits:
            self._views.log_odds(image.bgr, prior.grid, None, 1, 0.0)
            return MotionEvidence.none((image.gray.shape[0], image.gray.shape[1]))
        last, gap = fits[-1], FLOW_GAPS[len(fits) - 1]
        photometric = self._views.log_odds(
            image.bgr, prior.grid, last.surface, gap, last.motion.sigma_along_px
        )
        disagreement = sum((fit.disagreement for fit in fits[1:]), fits[0].disagreement) / len(fits)
        backward, forward = self._flow.backward(window, 1), self._flow.forward(window)
        trust = flow_trust(image.gray, backward, forward, prior.grid)
        log_odds = flow_log_odds(np.asarray(disagreement, np.float32), trust, smoother)
        residuals = [
            self._flow.backward(window, each) - fit.surface
            for each, fit in zip(FLOW_GAPS, fits, strict=False)
        ]
        residuals += [np.zeros_like(backward)] * (len(FLOW_GAPS) - len(residuals))
        return MotionEvidence(
            flow=log_odds,
            photometry=np.zeros_like(log_odds) if photometric is None else photometric,
            log_disagreement=np.asarray(np.log(disagreement + LOG_OFFSET), np.float32),
            trust=trust,
            residuals_px=(residuals[0], residuals[1]),
        )

    def _track_evidence(
        self, window: Window, tracks: Tracks, labels: TrackLabels, smoother: EdgeAwareFilter
    ) -> FloatArray:
        """Return (h, w) the tracks' log-odds, spread up to the edges of the image."""
        height, width = self._flow.size(window)
        values = np.zeros((height, width), np.float32)
        weight = np.zeros((height, width), np.float32)
        some = tracks.visible[-1] & np.isfinite(labels.moving_probability)
        if not some.any():
            return values
        xy = resized(tracks.xy_px[-1, some], window.newest.size, (height, width))
        x, y = np.clip(np.rint(xy).astype(np.int64), 0, [width - 1, height - 1]).T
        values[y, x] = np.clip(labels.log_odds[some], -TRACK_LIMIT, TRACK_LIMIT)
        weight[y, x] = 1
        return smoother.spread(values, weight, TRACK_WEIGHT_FLOOR)


def probability(log_odds: FloatArray) -> FloatArray:
    """Convert log-odds to probabilities of the same shape."""
    return np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)
