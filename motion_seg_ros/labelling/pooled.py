"""Several labellers that err differently, heard together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.types import FloatArray, TrackLabels, Tracks
from motion_seg_ros.window import Window


class PooledLabeller:
    """The mean of the labellers' log-odds, each less its own threshold (a logarithmic opinion pool;
    Genest and Zidek, "Combining probability distributions", Statistical Science 1986).

    Of a track about which some say nothing, the others are heard; all abstain, or none does.

    Args:
        labellers: at least one.
    """

    def __init__(self, labellers: Sequence[Labeller]) -> None:
        self._labellers = tuple(labellers)

    def reset(self) -> None:
        """See motion_seg_ros.labelling.base.Labeller."""
        for labeller in self._labellers:
            labeller.reset()

    def label(self, window: Window, tracks: Tracks, features: FloatArray | None) -> TrackLabels:
        """See motion_seg_ros.labelling.base.Labeller."""
        heard = [each.label(window, tracks, features) for each in self._labellers]
        speaking = [each for each in heard if each.abstention is None]
        if not speaking:
            return heard[0]
        log_odds = np.stack([each.log_odds for each in speaking])
        said = np.isfinite(log_odds)
        total = np.where(said, log_odds, 0).sum(axis=0)
        voices = said.sum(axis=0)
        mean = np.where(voices > 0, total / np.maximum(voices, 1), np.nan)
        return TrackLabels(np.asarray(1 / (1 + np.exp(-mean)), np.float32))
