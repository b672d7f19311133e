"""Labels of tracks between two runs of a labeller."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.types import FloatArray, Int64Array


class LabelMemory:
    """Last probabilities of tracks by id.

    Args:
        interval: frames from one labelling to the next; 1 = every frame.
    """

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self.clear()

    def clear(self) -> None:
        """Forget all tracks."""
        self._ids: Int64Array = np.zeros(0, np.int64)
        self._probability = np.zeros(0, np.float32)
        self._labelled: int | None = None  # index of the frame of the last labelling

    @property
    def known(self) -> bool:
        """True if there are probabilities of tracks."""
        return len(self._ids) > 0

    def is_due(self, index: int) -> bool:
        """Return True if tracks are to be labelled in the frame `index`."""
        return self._labelled is None or index - self._labelled >= self._interval

    def keep(self, index: int, ids: Int64Array, probability: FloatArray) -> None:
        """Replace the memory by the tracks labelled in the frame `index`.

        Args:
            index: of the frame.
            ids: (N,) ascending.
            probability: (N,) float32.
        """
        self._labelled, self._ids, self._probability = index, ids, probability

    def recall(self, ids: Int64Array) -> FloatArray:
        """Return probabilities (M,) float32 of tracks with `ids` (M,), NaN for unknown ones."""
        found = np.full(len(ids), np.nan, np.float32)
        if len(self._ids):
            place = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
            known = self._ids[place] == ids
            found[known] = self._probability[place[known]]
        return found
