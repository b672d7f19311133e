"""Tracks labelled by geometry alone: moving where no static point explains them."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.geometry.motion import Mode, WindowGeometry
from motion_seg_ros.labelling.abstention import abstention_reason
from motion_seg_ros.labelling.memory import LabelMemory
from motion_seg_ros.types import FloatArray, TrackLabels, Tracks
from motion_seg_ros.window import Window

# Set by hand.
THRESHOLD = 5.5  # misfit, in spreads, at which moving is as likely as not
STEEPNESS = 3.0  # log-odds per unit of log misfit
BEHIND_THRESHOLD = 4.0  # the same of standard errors behind the camera or the ground
TAIL_QUANTILE = 0.8  # of the tracks, whose misfit scales the threshold where it is large
TAIL_SPREADS = 2.0  # misfit of that quantile that normal noise has
MIN_FRAMES = 3  # earlier ones, in which a track must have been seen


class GeometricLabeller:
    """Reads labels off the geometry of the window: the misfit of a track with the camera's motion,
    and implied positions behind the camera or the ground, where nothing static can be. A track that
    was seen in fewer than MIN_FRAMES earlier frames has no label.

    Args:
        interval: frames from one labelling to the next; between them a track keeps its label, and
            new tracks have none.
    """

    def __init__(self, *, interval: int) -> None:
        self._memory = LabelMemory(interval)

    def reset(self) -> None:
        """See motion_seg_ros.labelling.base.Labeller."""
        self._memory.clear()

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        """See motion_seg_ros.labelling.base.Labeller."""
        reason = abstention_reason(window, tracks, MIN_FRAMES + 1) or geometry.reason
        if reason is not None:
            self.reset()
            return TrackLabels.abstain(len(tracks), reason)
        if self._memory.is_due(window.newest_index):
            probability = _probability(geometry)
            known = np.flatnonzero(np.isfinite(probability))
            self._memory.keep(window.newest_index, tracks.ids[known], probability[known])
        return TrackLabels(self._memory.recall(tracks.ids))


def _probability(geometry: WindowGeometry) -> FloatArray:
    """Return the moving probability (N,) of tracks, NaN of those that were not judged."""
    motion = geometry.motion
    assert motion is not None
    misfit = motion.misfit
    judged = np.isfinite(misfit) & (geometry.frames >= MIN_FRAMES)
    score = np.full(len(misfit), -np.inf)
    if judged.any():
        tail = np.quantile(misfit[judged], TAIL_QUANTILE) / TAIL_SPREADS
        limit = THRESHOLD * np.clip(tail, 1, TAIL_SPREADS)
        score[judged] = np.log(np.maximum(misfit[judged], 1e-3) / limit)
    if geometry.mode is Mode.RIGID:
        behind = np.maximum(
            -geometry.inverse_depth / geometry.inverse_depth_error, geometry.behind_ground
        )
        certain = np.log(np.maximum(behind, 1e-3) / BEHIND_THRESHOLD)
        score = np.fmax(score, np.where(judged, certain, -np.inf))
    probability = 1 / (1 + np.exp(-STEEPNESS * np.clip(score, -5, 5)))
    return np.asarray(np.where(judged, probability, np.nan), np.float32)
