"""Agreement of objects with the movers of the truth, over a whole sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.evaluation.matching import Float64Array, assign, count_pairs
from motion_seg_ros.lab.evaluation.metrics import Boundary
from motion_seg_ros.lab.evaluation.results import ObjectScores
from motion_seg_ros.types import Int64Array, UInt16Array

MAX_PROPOSALS = 20  # predicted objects that are scored at most, as in DAVIS 2017 unsupervised
COVERED_ABOVE = 0.5  # J of an object that covers a mover; the overlap of the MOT benchmarks


@dataclass(frozen=True, eq=False)
class _FramePairs:
    """One frame, in which T movers and P objects are seen.

    Attributes:
        movers: (T,) their ids, ascending.
        objects: (P,) their ids, ascending.
        areas: (P,) pixels of each object.
        movers_edged: (T,) bool, True if it has a boundary: the whole image has none.
        objects_edged: (P,) bool, the same of the objects.
        region: (T, P) J of each pair.
        boundary: (T, P) F of each pair.
    """

    movers: Int64Array
    objects: Int64Array
    areas: Int64Array
    movers_edged: npt.NDArray[np.bool_]
    objects_edged: npt.NDArray[np.bool_]
    region: Float64Array
    boundary: Float64Array


class ObjectTally:
    """Collects the agreement of each pair of a mover and an object in each frame."""

    def __init__(self) -> None:
        self._frames: list[_FramePairs] = []

    def add(self, predicted: UInt16Array, truth: UInt16Array) -> None:
        """Compare the next frame.

        Args:
            predicted: (H, W) uint16, 0 = static, k = object k.
            truth: (H, W) uint16, 0 = static, k = mover k.
        """
        pairs = count_pairs(predicted, truth)
        movers, objects = pairs.movers, pairs.objects
        true_edges = [Boundary(truth == each) for each in movers]
        edges = [Boundary(predicted == each) for each in objects]
        f = [[mine.accuracy(theirs) for mine in edges] for theirs in true_edges]
        self._frames.append(
            _FramePairs(
                movers=movers,
                objects=objects,
                areas=pairs.object_areas,
                movers_edged=np.array([each.count > 0 for each in true_edges], bool),
                objects_edged=np.array([each.count > 0 for each in edges], bool),
                region=pairs.region,
                boundary=np.array(f, np.float64).reshape(pairs.shared.shape),
            )
        )

    def scores(self) -> ObjectScores | None:
        """Return the scores over all frames so far; None where no mover was ever seen.

        Raises:
            MissingDependencyError: scipy is not installed.
        """
        movers = _union([each.movers for each in self._frames])
        objects = _union([each.objects for each in self._frames])
        if not len(movers):
            return None
        proposals = self._largest(objects)
        region, boundary = self._over_all(movers, proposals)
        rows, columns = assign((region.mean(axis=2) + boundary.mean(axis=2)) / 2)
        j = float(region[rows, columns].mean())
        f = float(boundary[rows, columns].mean())
        switches, fragmentations = _continuity(self._frames)
        return ObjectScores(
            J_mean=j,
            F_mean=f,
            JF_mean=(j + f) / 2,
            movers=len(movers),
            predicted=len(objects),
            id_switches=switches,
            fragmentations=fragmentations,
        )

    def _largest(self, objects: Int64Array) -> Int64Array:
        """Return the MAX_PROPOSALS objects with the most pixels over all frames, ascending."""
        areas = np.zeros(len(objects), np.int64)
        for each in self._frames:
            areas[np.searchsorted(objects, each.objects)] += each.areas
        kept = np.argsort(-areas, kind="stable")[:MAX_PROPOSALS]
        return np.sort(objects[kept])

    def _over_all(
        self, movers: Int64Array, proposals: Int64Array
    ) -> tuple[Float64Array, Float64Array]:
        """Return J and F, (M, K, frames) each, of all movers with all proposals.

        Empty proposals fill up, as in the DAVIS toolbox: there is one for each mover at least, and
        one for each id up to the highest. They agree with a mover where it is out of sight.
        """
        highest = int(proposals[-1]) if len(proposals) else 0
        count = max(len(movers), len(proposals), min(highest, MAX_PROPOSALS))
        shape = (len(movers), count, len(self._frames))
        region, boundary = np.ones(shape), np.ones(shape)
        for index, frame in enumerate(self._frames):
            rows = np.searchsorted(movers, frame.movers)
            kept = np.isin(frame.objects, proposals)
            columns = np.searchsorted(proposals, frame.objects[kept])
            for whole, seen, found, pairs in (
                (region, np.ones(len(rows), bool), np.ones(len(columns), bool), frame.region),
                (boundary, frame.movers_edged, frame.objects_edged[kept], frame.boundary),
            ):
                whole[rows[seen], :, index] = 0
                whole[:, columns[found], index] = 0
                whole[rows[:, None], columns, index] = pairs[:, kept]
        return region, boundary


def _continuity(frames: Sequence[_FramePairs]) -> tuple[int, int]:
    """Count id switches and fragmentations, as of CLEAR MOT (Bernardin and Stiefelhagen, Evaluating
    Multiple Object Tracking Performance, EURASIP JIVP 2008), with J in place of distance.

    In each frame every mover is covered by at most one object and every object covers at most one
    mover: first those that belonged together the last time and still agree by COVERED_ABOVE, then
    the others, so that their J add up to the most. A switch is a mover that is covered by another
    object than the last time it was covered. A fragmentation is a mover, covered before, then in
    sight but not covered, that is covered again (Li, Huang and Nevatia, CVPR 2009); frames in
    which it is out of sight do not interrupt it.
    """
    owner: dict[int, int] = {}
    lost: set[int] = set()
    switches = fragmentations = 0
    for frame in frames:
        covered = _covered(frame, owner)
        for mover in frame.movers.tolist():
            if mover not in covered:
                lost.add(mover)
                continue
            if mover in owner:
                switches += owner[mover] != covered[mover]
                fragmentations += mover in lost
            owner[mover] = covered[mover]
            lost.discard(mover)
    return switches, fragmentations


def _covered(frame: _FramePairs, owner: dict[int, int]) -> dict[int, int]:
    """Return mover -> the object that covers it in a frame."""
    agreed = np.where(frame.region >= COVERED_ABOVE, frame.region, 0.0)
    movers, objects = frame.movers.tolist(), frame.objects.tolist()
    covered: dict[int, int] = {}
    for row, mover in enumerate(movers):
        if owner.get(mover) in objects:
            column = objects.index(owner[mover])
            if agreed[row, column] > 0:
                covered[mover] = owner[mover]
                agreed[row], agreed[:, column] = 0.0, 0.0
    if agreed.any():
        for row, column in zip(*assign(agreed), strict=True):
            if agreed[row, column] > 0:
                covered[movers[row]] = objects[column]
    return covered


def _union(ids: Sequence[Int64Array]) -> Int64Array:
    return np.unique(np.concatenate([np.zeros(0, np.int64), *ids]))
