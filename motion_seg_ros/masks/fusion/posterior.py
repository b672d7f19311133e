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

FLOW_GAPS = (1, 3)  # frames
PRIOR_LOG_ODDS = -1.8  # most of the world is static
BORDER_LOG_ODDS = -1.6  # more so at the very border, where flow is worst
MEMORY_WEIGHT = 0.7
MEMORY_LIMIT = 3.0
MEMORY_OUTSIDE = -0.5  # log-odds of what comes into view
COLOUR_WEIGHT = 1.1
TRACK_LIMIT = 4.0
STATIC_FLOW_LIMIT = 0.3  # what goes along with the camera's motion may still move: tracks tell
LIMIT = 6.0
EVIDENCE_STRENGTH, EVIDENCE_SIGMA = 100.0, 10.0
RESULT_STRENGTH, RESULT_SIGMA = 30.0, 8.0
TRACK_WEIGHT_FLOOR = 2e-3
LOG_OFFSET = 0.05  # spreads


@dataclass(frozen=True, eq=False)
class Scene:
    """What depends on the working size only.

    Attributes:
        grid: (h, w, 2) pixel coordinates.
        static_weight: (h, w) belief that a pixel is static, for the fit of the camera's motion.
        prior: (h, w) log-odds of moving.
    """

    grid: FloatArray
    static_weight: FloatArray
    prior: FloatArray


class MotionPosterior:
    """Bayesian filter over pixels: flow, photometry, tracks and colour update what the last frame's
    belief, carried along by flow, says.

    Args:
        flow: the dense flow shared with the tracker.
        track_weight: weight of the tracks' log-odds.
    """

    def __init__(self, *, flow: DenseFlow, track_weight: float = 1.0) -> None:
        self._flow = flow
        self._track_weight = track_weight
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._log_odds: FloatArray | None = None
        self._scene: Scene | None = None
        self._colour = ColourModel()
        self._views = BackgroundViews()

    def update(self, window: Window, tracks: Tracks, labels: TrackLabels) -> Evidence | None:
        """What is known of the newest frame; None of a stream's first frame."""
        image = self._flow.image(window)
        if self._scene is None:
            self._scene = make_scene((image.gray.shape[0], image.gray.shape[1]))
        scene = self._scene
        if len(window) == 1:
            self._views.evidence(image.bgr, scene.grid, None, 1, 0.0)
            self._log_odds = np.zeros(image.gray.shape, np.float32)
            return None
        smoother = EdgeAwareFilter(image.bgr, EVIDENCE_STRENGTH, EVIDENCE_SIGMA)
        memory = self._carried(window, scene)
        motion = self._motion_evidence(window, image, scene, memory, smoother)
        by_tracks = self._track_evidence(window, tracks, labels, smoother)
        bins = colour_bins(image.bgr)
        by_colour = self._colour.log_odds(bins)
        total = scene.prior + MEMORY_WEIGHT * np.clip(memory, -MEMORY_LIMIT, MEMORY_LIMIT)
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

    def _carried(self, window: Window, scene: Scene) -> FloatArray:
        """(h, w) the last belief where the flow says its pixels are now."""
        assert self._log_odds is not None, "update() ran on the window's first frame"
        return warp(self._log_odds, scene.grid + self._flow.backward(window, 1), MEMORY_OUTSIDE)

    def _motion_evidence(
        self,
        window: Window,
        image: WorkingImage,
        scene: Scene,
        memory: FloatArray,
        smoother: EdgeAwareFilter,
    ) -> MotionEvidence:
        """Flow and photometry; nothing where the camera's motion cannot be told."""
        static_weight = scene.static_weight * (1.02 - probability(memory))
        fits: list[FlowFit] = []
        gap = 1
        for each in FLOW_GAPS:
            if each < len(window):
                fit = fit_flow(self._flow.backward(window, each), scene.grid, static_weight)
                if fit is None:
                    break
                fits.append(fit)
                gap = each
        if not fits:
            self._views.evidence(image.bgr, scene.grid, None, 1, 0.0)
            return MotionEvidence.none((image.gray.shape[0], image.gray.shape[1]))
        photometric = self._views.evidence(
            image.bgr, scene.grid, fits[-1].surface, gap, fits[-1].motion.sigma_along_px
        )
        disagreement = sum((fit.disagreement for fit in fits[1:]), fits[0].disagreement) / len(fits)
        backward, forward = self._flow.backward(window, 1), self._flow.forward(window)
        trust = flow_trust(image.gray, backward, forward, scene.grid)
        log_odds = flow_log_odds(np.asarray(disagreement, np.float32), trust, smoother)
        zero = np.zeros_like(log_odds)
        residuals = [
            self._flow.backward(window, each) - fit.surface
            for each, fit in zip(FLOW_GAPS, fits, strict=False)
        ]
        residuals += [np.zeros_like(backward)] * (len(FLOW_GAPS) - len(residuals))
        return MotionEvidence(
            flow=log_odds,
            photometry=zero if photometric is None else photometric,
            log_disagreement=np.asarray(np.log(disagreement + LOG_OFFSET), np.float32),
            trust=trust,
            residuals_px=(residuals[0], residuals[1]),
        )

    def _track_evidence(
        self, window: Window, tracks: Tracks, labels: TrackLabels, smoother: EdgeAwareFilter
    ) -> FloatArray:
        """(h, w) the tracks' log-odds, spread up to the edges of the image."""
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
        return self._track_weight * smoother.spread(values, weight, TRACK_WEIGHT_FLOOR)


def probability(log_odds: FloatArray) -> FloatArray:
    """Log-odds as probabilities, of the same shape."""
    return np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)


def make_scene(size: tuple[int, int], prior_log_odds: float = PRIOR_LOG_ODDS) -> Scene:
    """What is believed of working images of `size` = (h, w) before anything is seen."""
    height, width = size
    grid = pixel_grid(size)
    edge = np.minimum(grid, np.array([width - 1, height - 1], np.float32) - grid)
    depth = (edge / np.array([width, height], np.float32)).min(axis=2)
    static_weight = np.asarray(0.35 + 0.65 * np.exp(-depth / 0.12), np.float32)
    prior = np.asarray(
        prior_log_odds + BORDER_LOG_ODDS * np.exp(-((depth / 0.06) ** 2)), np.float32
    )
    return Scene(grid, static_weight, prior)
