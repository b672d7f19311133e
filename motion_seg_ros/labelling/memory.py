"""What was last said of each track."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.types import FloatArray, Int64Array


class LabelMemory:
    """The last probability of tracks by their ids."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all tracks."""
        self._ids: Int64Array = np.zeros(0, np.int64)
        self._probability = np.zeros(0, np.float32)

    def keep(self, ids: Int64Array, probability: FloatArray) -> None:
        """Remember these tracks, (N,) ascending ids and (N,) float32, and no other."""
        self._ids, self._probability = ids, probability

    def recall(self, ids: Int64Array) -> FloatArray:
        """(M,) float32 of tracks with `ids` (M,), NaN for those not kept."""
        found = np.full(len(ids), np.nan, np.float32)
        if len(self._ids):
            place = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
            known = self._ids[place] == ids
            found[known] = self._probability[place[known]]
        return found
