"""Measures of MOS-I over a whole sequence: whether the objects that move now are found.

Defined by the code published with GMOS (Xie, Han, Xie and Zisserman, arXiv 2605.30352;
metrics/benchmark_mos_i.py of https://github.com/Jyxarthur/gmos, commit 99d314a). Where the measures
here differ: docs/evaluation.md.
"""

from __future__ import annotations

import numpy as np

from motion_seg_ros.lab.evaluation.matching import Float64Array, PairCounts, assign, count_pairs
from motion_seg_ros.lab.evaluation.results import MovingNowScores
from motion_seg_ros.types import Int64Array, UInt16Array

THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""Thresholds of J above which an object counts as found for the temporal IoU; those of GMOS."""


class MovingNowTally:
    """Collects which movers move, and which objects are said to, in each frame.

    Args:
        one: all movers count as one, and all objects.
    """

    def __init__(self, *, one: bool = False) -> None:
        self._one = one
        self._frames: list[PairCounts] = []

    def add(self, predicted: UInt16Array, moving: UInt16Array) -> None:
        """Compare the next frame.

        Args:
            predicted: (H, W) uint16, 0 = static, k = object k.
            moving: (H, W) uint16, k = mover k, which moves in this very frame; 0 = all else.
        """
        if self._one:
            predicted = (predicted != 0).astype(np.uint16)
            moving = (moving != 0).astype(np.uint16)
        self._frames.append(count_pairs(predicted, moving))

    def scores(self) -> MovingNowScores | None:
        """Return the scores over all frames so far; None of no frame.

        Raises:
            MissingDependencyError: scipy is not installed.
        """
        if not self._frames:
            return None
        movers = _union([each.movers for each in self._frames])
        objects = _union([each.objects for each in self._frames])
        partner = _partners(self._frames, movers, objects)
        region = np.zeros((len(self._frames), len(movers)))
        moves = np.zeros(region.shape, bool)
        false = said = 0
        for index, frame in enumerate(self._frames):
            rows = np.searchsorted(movers, frame.movers)
            moves[index, rows] = True
            said += len(frame.objects)
            of_frame = dict(zip(frame.objects.tolist(), frame.region.T, strict=True))
            expected = {partner[mover] for mover in frame.movers.tolist() if mover in partner}
            false += sum(each not in expected for each in of_frame)
            for place, (row, mover) in enumerate(zip(rows, frame.movers.tolist(), strict=True)):
                if partner.get(mover) in of_frame:
                    region[index, row] = of_frame[partner[mover]][place]
        return MovingNowScores(
            J_mean=_mean_over_movers(region, moves),
            false_per_frame=false / len(self._frames),
            temporal_IoU=_temporal_iou(region[moves], said),
            movers=len(movers),
        )


def _partners(frames: list[PairCounts], movers: Int64Array, objects: Int64Array) -> dict[int, int]:
    """Return mover -> the object that belongs to it over the sequence, one to one.

    GMOS fills both sides up with empty masks, lets two empty masks agree by 1, and matches so that
    the sum of the mean J is the highest. A pair then gains, against being apart, its J over the
    frames and 1 for each frame in which both are there: that sum is what is made the largest here.
    """
    gain = np.zeros((len(movers), len(objects)))
    for frame in frames:
        rows = np.searchsorted(movers, frame.movers)
        columns = np.searchsorted(objects, frame.objects)
        gain[rows[:, None], columns] += frame.region + 1
    pairs = zip(*assign(gain), strict=True)
    return {int(movers[row]): int(objects[column]) for row, column in pairs if gain[row, column]}


def _mean_over_movers(region: Float64Array, moves: np.ndarray) -> float | None:
    """Return the mean over the movers of the mean J over the frames in which each moves."""
    if not moves.any():
        return None
    return float(((region * moves).sum(axis=0) / moves.sum(axis=0)).mean())


def _temporal_iou(region: Float64Array, said: int) -> float | None:
    """Return the mean over THRESHOLDS of found / (moving + said - found).

    Args:
        region: J of each mover in each frame in which it moves.
        said: number of objects, added up over the frames.
    """
    if not len(region):
        return None
    found = [np.count_nonzero(region > each) for each in THRESHOLDS]
    return float(np.mean([each / (len(region) + said - each) for each in found]))


def _union(ids: list[Int64Array]) -> Int64Array:
    return np.unique(np.concatenate(ids))
