"""Belief per pixel that it moves: recursive fusion of all evidence at working resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion_seg_ros.flow.lookup import pixel_grid, resized, warp
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.masks.fusion.colour import ColourModel
from motion_seg_ros.masks.fusion.evidence import Evidence, scaled
from motion_seg_ros.masks.fusion.flow_evidence import FlowEvidence
from motion_seg_ros.masks.fusion.image_evidence import ImageEvidence
from motion_seg_ros.types import FloatArray, TrackLabels, Tracks

# Values of a prototype, lab/evaluation/baselines/fusion.py, found by trial on DAVIS:
BORDER_LOG_ODDS = -1.6  # prior at the very border, where flow is worst
MEMORY_WEIGHT = 0.7
MEMORY_LIMIT = 3.0
MEMORY_OUTSIDE = -0.5  # log-odds of what comes into view
COLOUR_WEIGHT = 1.1
# Set by hand:
PRIOR_LOG_ODDS = -1.8  # most of the world is static
TRACK_LIMIT = 4.0
STATIC_FLOW_LIMIT = 0.3  # flow like the camera's does not rule out motion, which the tracks show
LIMIT = 6.0
TRACK_WEIGHT_FLOOR = 2e-3
DENIAL = 2.0  # log-odds of static, by tracks, that forbid moving by memory and colour


@dataclass(frozen=True, eq=False)
class PixelPrior:
    """Beliefs that depend on the working size only.

    Attributes:
        static_weight: (h, w) belief that a pixel is static, for the fit of the camera's motion.
        log_odds: (h, w) prior log-odds of moving.
    """

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
        return cls(static_weight, np.asarray(prior, np.float32))


class MotionPosterior:
    """Bayesian filter over pixels: flow, photometry, tracks and colour update the last frame's
    belief, carried along by flow."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._log_odds: FloatArray | None = None
        self._prior: PixelPrior | None = None
        self._colour = ColourModel()
        self._motion = FlowEvidence()

    def update(
        self,
        seen: ImageEvidence,
        tracks: Tracks,
        labels: TrackLabels,
        geometry: WindowGeometry,
    ) -> Evidence | None:
        """Return the evidence about the newest frame; None for a stream's first frame.

        Args:
            seen: of the frame.
            tracks: of the window that ends at the frame.
            labels: of the tracks.
            geometry: of the window.
        """
        if not seen.flows or self._prior is None or self._log_odds is None:
            prior = PixelPrior.of_size(seen.size, PRIOR_LOG_ODDS)
            self._prior, self._log_odds = prior, prior.log_odds
            self._motion.update(seen, geometry, prior.static_weight)
            return None
        if self._log_odds.shape != seen.size:  # the working size was changed
            self._prior = PixelPrior.of_size(seen.size, PRIOR_LOG_ODDS)
            self._log_odds = scaled(self._log_odds, seen.size)
        prior, backward = self._prior, seen.flows[0][1]
        memory = warp(self._log_odds, seen.grid + backward, MEMORY_OUTSIDE)
        by_tracks = _track_evidence(seen, tracks, labels)
        static_weight = prior.static_weight * (1.02 - probability(memory)) * probability(-by_tracks)
        motion = self._motion.update(seen, geometry, static_weight)
        by_colour = self._colour.log_odds(seen.colours)
        total = prior.log_odds + by_tracks + motion.photometry
        total += np.maximum(motion.flow, np.float32(-STATIC_FLOW_LIMIT))
        before = MEMORY_WEIGHT * np.clip(memory, -MEMORY_LIMIT, MEMORY_LIMIT)
        before += COLOUR_WEIGHT * by_colour
        # Where tracks stand still, what moved before does not count, and its colours are no news.
        allowed = np.clip(1 + by_tracks / DENIAL, 0, 1)
        total += np.minimum(before, before * allowed)
        belief = probability(np.clip(total, -LIMIT, LIMIT))
        belief = np.clip(seen.finisher.smooth(belief), 0.01, 0.99)
        self._colour.learn(seen.colours, belief, allowed)
        self._log_odds = np.asarray(np.log(belief / (1 - belief)), np.float32)
        return Evidence(
            image_bgr=seen.image_bgr,
            belief=self._log_odds,
            total=total,
            memory=memory,
            tracks=by_tracks,
            colour=by_colour,
            **vars(motion),
        )


def _track_evidence(seen: ImageEvidence, tracks: Tracks, labels: TrackLabels) -> FloatArray:
    """Return (h, w) the tracks' log-odds, spread up to the edges of the image."""
    height, width = seen.size
    values = np.zeros((height, width), np.float32)
    weight = np.zeros((height, width), np.float32)
    some = tracks.visible[-1] & np.isfinite(labels.moving_probability)
    if not some.any():
        return values
    xy = resized(tracks.xy_px[-1, some], seen.frame.size, (height, width))
    x, y = np.clip(np.rint(xy).astype(np.int64), 0, [width - 1, height - 1]).T
    values[y, x] = np.clip(labels.log_odds[some], -TRACK_LIMIT, TRACK_LIMIT)
    weight[y, x] = 1
    return seen.smoother.spread(values, weight, TRACK_WEIGHT_FLOOR)


def probability(log_odds: FloatArray) -> FloatArray:
    """Convert log-odds to probabilities of the same shape."""
    return np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)
