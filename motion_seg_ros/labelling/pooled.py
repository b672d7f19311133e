"""Several labellers whose errors differ, combined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.types import FloatArray, TrackLabels, Tracks
from motion_seg_ros.window import Window


class PooledLabeller:
    """Mean of the labellers' log-odds, each less its own threshold (a logarithmic opinion pool;
    Genest and Zidek, "Combining probability distributions", Statistical Science 1986).

    A track without a label from some labellers gets the mean of the others. The pool abstains only
    if all labellers do.

    Args:
        labellers: at least one.
    """

    def __init__(self, labellers: Sequence[Labeller]) -> None:
        self._labellers = tuple(labellers)

    def reset(self) -> None:
        """See motion_seg_ros.labelling.base.Labeller."""
        for labeller in self._labellers:
            labeller.reset()

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        """See motion_seg_ros.labelling.base.Labeller."""
        labels = [each.label(window, tracks, features, geometry) for each in self._labellers]
        given = [each for each in labels if each.abstention is None]
        if not given:
            return labels[0]
        log_odds = np.stack([each.log_odds for each in given])
        known = np.isfinite(log_odds)
        total, count = np.where(known, log_odds, 0).sum(axis=0), known.sum(axis=0)
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return TrackLabels(np.asarray(1 / (1 + np.exp(-mean)), np.float32))
