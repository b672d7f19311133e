"""Tracks labelled by geometry: which of them disagree with any static world a camera could pass."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.geometry.camera_motion import CameraMotion, fit_camera_motion, weighted_quantile
from motion_seg_ros.labelling.abstention import MIN_TRACKS, abstention_reason
from motion_seg_ros.labelling.camera_residuals import REFERENCE_SIDE_PX, border_prior
from motion_seg_ros.labelling.memory import LabelMemory
from motion_seg_ros.types import FloatArray, TrackLabels, Tracks
from motion_seg_ros.window import Window

# Lengths are in pixels of an image whose longer side is REFERENCE_SIDE_PX, so that nothing depends
# on the camera's resolution.
NOISE_ACROSS_PX = 0.1
NOISE_ALONG_PX = 0.15
MAX_SPREAD_PX = 12.0  # of static points across epipolar lines; beyond it nothing was found
TAIL_QUANTILE = 0.75
UNKNOWN_PROBABILITY = 0.2  # of a track not labelled before
LOG_OFFSET = 0.1


class GeometricLabeller:
    """Compares where tracks were some frames ago with a fitted static world (CameraMotion).

    For each gap a camera motion is fitted to the tracks, weighted by what is known of them. A
    track's score is its largest log disagreement over the gaps: slow motion shows over long gaps
    only. From it goes what the upper part of the presumed static tracks reaches (water, leaves and
    misfit make heavy tails), and a logistic makes it a probability.

    Args:
        gaps: frames back to compare with, ascending.
        threshold: log disagreement above the tail that is as likely moving as not.
        slope: log-odds per unit of log disagreement.
        interval: frames from one look to the next; between them a track keeps its label, and new
            tracks have none.
    """

    def __init__(
        self,
        *,
        gaps: tuple[int, ...] = (3, 7, 15),
        threshold: float = 2.7,
        slope: float = 1.0,
        interval: int = 1,
    ) -> None:
        self._gaps = gaps
        self._threshold = threshold
        self._slope = slope
        self._interval = interval
        self._memory = LabelMemory()
        self._last_looked: int | None = None

    def reset(self) -> None:
        """See motion_seg_ros.labelling.base.Labeller."""
        self._memory.clear()
        self._last_looked = None

    def label(self, window: Window, tracks: Tracks, features: FloatArray | None) -> TrackLabels:
        """See motion_seg_ros.labelling.base.Labeller; features are not used."""
        reason = abstention_reason(window, tracks, self._gaps[0] + 1)
        if reason is not None:
            return self._abstain(tracks, reason)
        index = window.newest_index
        if self._last_looked is not None and index - self._last_looked < self._interval:
            return TrackLabels(self._memory.recall(tracks.ids))
        scale = REFERENCE_SIDE_PX / max(window.newest.size)
        size = (round(window.newest.size[0] * scale), round(window.newest.size[1] * scale))
        weight = self._static_weight(tracks, tracks.xy_px[-1] * scale, size)
        score, motions = self._score(tracks, weight, scale, size)
        known = np.isfinite(score)
        if not motions:
            return self._abstain(tracks, f"fewer than {MIN_TRACKS} tracks span the window")
        spread = min(motion.sigma_across_px for motion in motions)
        if spread > MAX_SPREAD_PX:
            return self._abstain(
                tracks, f"no common camera motion: the tracks disagree by {spread / scale:.0f} px"
            )
        tail = weighted_quantile(score[known], weight[known].astype(np.float64), TAIL_QUANTILE)
        log_odds = self._slope * (score - max(tail, 1.0) + 1.0 - self._threshold)
        probability = np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)
        self._memory.keep(tracks.ids[known], probability[known])
        self._last_looked = index
        return TrackLabels(probability)

    def _abstain(self, tracks: Tracks, reason: str) -> TrackLabels:
        self.reset()
        return TrackLabels.abstain(len(tracks), reason)

    def _static_weight(self, tracks: Tracks, xy: FloatArray, size: tuple[int, int]) -> FloatArray:
        """(N,) belief that a track is static: by its last label, and as the border mostly is."""
        before = self._memory.recall(tracks.ids)
        before = np.where(np.isfinite(before), before, UNKNOWN_PROBABILITY)
        return np.asarray(border_prior(xy, size) * (1.02 - before), np.float32)

    def _score(
        self, tracks: Tracks, weight: FloatArray, scale: float, size: tuple[int, int]
    ) -> tuple[FloatArray, list[CameraMotion]]:
        """(N,) largest log disagreement, NaN where no gap is spanned; and the fitted motions."""
        score = np.full(len(tracks), np.nan, np.float32)
        motions = []
        for gap in self._gaps:
            if gap >= len(tracks.visible):
                break
            both = tracks.visible[-1] & tracks.visible[-1 - gap]
            if np.count_nonzero(both) < MIN_TRACKS:
                continue
            xy = tracks.xy_px[-1, both] * np.float32(scale)
            moved = tracks.xy_px[-1 - gap, both] * np.float32(scale) - xy
            motion = fit_camera_motion(xy, moved, weight[both], size)
            if motion is None:
                continue
            motions.append(motion)
            residual = moved - motion.displacement(xy)
            found = motion.disagreement(xy, residual, NOISE_ACROSS_PX, NOISE_ALONG_PX)
            score[both] = np.fmax(score[both], np.log(found + LOG_OFFSET))
        return score, motions
