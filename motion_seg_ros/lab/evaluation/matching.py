"""Movers of the truth beside predicted objects: how they overlap in a frame, and which belong
together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.types import Int64Array, UInt16Array

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Pixels of one frame, in which T movers and P objects are seen.

    Attributes:
        movers: (T,) their ids, ascending.
        objects: (P,) their ids, ascending.
        mover_areas: (T,) pixels of each mover.
        object_areas: (P,) pixels of each object.
        shared: (T, P) pixels that a mover and an object have in common.
    """

    movers: Int64Array
    objects: Int64Array
    mover_areas: Int64Array
    object_areas: Int64Array
    shared: Int64Array

    @property
    def region(self) -> Float64Array:
        """Return J of each pair, (T, P)."""
        whole = self.mover_areas[:, None] + self.object_areas[None, :] - self.shared
        return np.asarray(self.shared / whole)


def count_pairs(predicted: UInt16Array, truth: UInt16Array) -> PairCounts:
    """Count the pixels of all pairs of a mover and an object.

    Args:
        predicted: (H, W) uint16, 0 = static, k = object k.
        truth: (H, W) uint16, 0 = static, k = mover k.
    """
    movers, in_mover = _present(truth)
    objects, in_object = _present(predicted)
    pairs = in_mover * (len(objects) + 1) + in_object
    counts = np.bincount(pairs.reshape(-1), minlength=(len(movers) + 1) * (len(objects) + 1))
    counts = counts.reshape(len(movers) + 1, len(objects) + 1)
    return PairCounts(
        movers, objects, counts.sum(axis=1)[1:], counts.sum(axis=0)[1:], counts[1:, 1:]
    )


def assign(gain: Float64Array) -> tuple[Int64Array, Int64Array]:
    """Return rows and columns of the one-to-one pairs with the largest sum of gains.

    Raises:
        MissingDependencyError: scipy is not installed.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "scores of single objects: expected the Python package scipy, found none; "
            "pip install scipy"
        ) from error
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return np.asarray(rows, np.int64), np.asarray(columns, np.int64)


def _present(ids: UInt16Array) -> tuple[Int64Array, Int64Array]:
    """Return the ids but 0 that occur, ascending; and for each pixel 0, or 1 + the place of its
    id."""
    occurs = np.bincount(ids.reshape(-1)) > 0
    occurs[0] = False
    place = np.cumsum(occurs, dtype=np.int64)
    place[~occurs] = 0
    return np.flatnonzero(occurs), place[ids]
