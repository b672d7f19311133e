"""Tracks labelled by geometry: moving where they disagree with any static world."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.geometry.camera_motion import CameraMotion, fit_camera_motion, weighted_quantile
from motion_seg_ros.labelling.abstention import MIN_TRACKS, abstention_reason
from motion_seg_ros.labelling.camera_residuals import LOG_OFFSET, REFERENCE_SIDE_PX, border_prior
from motion_seg_ros.labelling.memory import LabelMemory
from motion_seg_ros.types import FloatArray, TrackLabels, Tracks
from motion_seg_ros.window import Window

# All set by hand. Lengths are in pixels of an image whose
# longer side is REFERENCE_SIDE_PX, so that nothing depends on the camera's resolution.
GAPS = (3, 7, 15)  # frames back to compare with
THRESHOLD = 2.7  # log disagreement above the tail at which moving is as likely as not
NOISE_ACROSS_PX = 0.1
NOISE_ALONG_PX = 0.15
MAX_SPREAD_PX = 12.0  # of static points across epipolar lines; beyond it the fit has failed
TAIL_QUANTILE = 0.75
UNKNOWN_PROBABILITY = 0.2  # of a track without an earlier label


class GeometricLabeller:
    """Compares earlier positions of tracks with a fitted static world (CameraMotion).

    For each gap a camera motion is fitted to the tracks, weighted by their earlier labels. The
    score of a track is its largest log disagreement over the gaps: slow motion shows over long gaps
    only. The score is taken relative to the upper part of the presumed static tracks (water, leaves
    and misfit make heavy tails), and a logistic function turns it into a probability.

    Args:
        interval: frames from one labelling to the next; between them a track keeps its label, and
            new tracks have none.
    """

    def __init__(self, *, interval: int) -> None:
        self._memory = LabelMemory(interval)

    def reset(self) -> None:
        """See motion_seg_ros.labelling.base.Labeller."""
        self._memory.clear()

    def label(self, window: Window, tracks: Tracks, features: FloatArray | None) -> TrackLabels:
        """See motion_seg_ros.labelling.base.Labeller; features are not used."""
        reason = abstention_reason(window, tracks, GAPS[0] + 1)
        if reason is not None:
            return self._abstain(tracks, reason)
        if not self._memory.is_due(window.newest_index):
            return TrackLabels(self._memory.recall(tracks.ids))
        scale = REFERENCE_SIDE_PX / max(window.newest.size)
        size = (round(window.newest.size[0] * scale), round(window.newest.size[1] * scale))
        weight = self._static_weight(tracks, tracks.xy_px[-1] * scale, size)
        score, motions = _score(tracks, weight, scale, size)
        known = np.isfinite(score)
        if not motions:
            return self._abstain(tracks, f"fewer than {MIN_TRACKS} tracks span the window")
        spread = min(motion.sigma_across_px for motion in motions)
        if spread > MAX_SPREAD_PX:
            return self._abstain(
                tracks, f"no common camera motion: the tracks disagree by {spread / scale:.0f} px"
            )
        tail = weighted_quantile(score[known], weight[known].astype(np.float64), TAIL_QUANTILE)
        log_odds = score - max(tail, 1.0) + 1.0 - THRESHOLD
        probability = np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)
        self._memory.keep(window.newest_index, tracks.ids[known], probability[known])
        return TrackLabels(probability)

    def _abstain(self, tracks: Tracks, reason: str) -> TrackLabels:
        self.reset()
        return TrackLabels.abstain(len(tracks), reason)

    def _static_weight(self, tracks: Tracks, xy: FloatArray, size: tuple[int, int]) -> FloatArray:
        """Return the prior (N,) that tracks are static, by their last labels and positions."""
        before = self._memory.recall(tracks.ids)
        before = np.where(np.isfinite(before), before, UNKNOWN_PROBABILITY)
        return np.asarray(border_prior(xy, size) * (1.02 - before), np.float32)


def _score(
    tracks: Tracks, weight: FloatArray, scale: float, size: tuple[int, int]
) -> tuple[FloatArray, list[CameraMotion]]:
    """Return the largest log disagreement (N,), NaN where no gap is spanned, and the motions."""
    score = np.full(len(tracks), np.nan, np.float32)
    motions = []
    for gap in GAPS:
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
