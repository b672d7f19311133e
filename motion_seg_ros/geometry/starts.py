"""Poses to start the bundle adjustment from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.camera import Float64Array
from motion_seg_ros.geometry.bundle import (
    Observations,
    Poses,
    locate,
    rotation_of,
    triangulate,
)
from motion_seg_ros.geometry.scene import Scene
from motion_seg_ros.types import Int64Array

Start = tuple[Poses, Float64Array]  # and an inverse depth for each point

# Set by hand.
MIN_POINTS = 20
MIN_SHARE = 0.25  # of the tracks that the two frames of an essential matrix share
LOCATING_ITERATIONS = 5
CONFIDENCE = 0.999  # of the essential matrix
# Spreads of an observation, coarse to fine: the start without motion may be many pixels off.
COARSE_TO_FINE = (100.0, 30.0, 10.0, 3.0, 1.0)
COARSE_ITERATIONS = 3  # of each


@dataclass(frozen=True, eq=False)
class Kept:
    """Poses and inverse depths kept from the last window.

    Attributes:
        index: of its newest frame.
        ids: (M,) of the tracks, ascending.
        newest: (2, M) their directions in that frame.
        rho: (M,) their inverse depths.
        indices: (K,) of the frames whose poses are known.
        poses: of those frames.
    """

    index: int
    ids: Int64Array
    newest: Float64Array
    rho: Float64Array
    indices: Int64Array
    poses: Poses

    def carried(
        self,
        scene: Scene,
        seen: Observations,
        spread: Float64Array,
    ) -> Start | None:
        """Return poses and inverse depths for the window that ends at a later frame.

        Args:
            scene: of that window.
            seen: its tracks `some`, weighted.
            spread: (K,) of an observation.

        Returns:
            None where the windows have too few points in common.
        """
        ids, indices = scene.ids[scene.some], scene.indices
        place = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        there = (self.ids[place] == ids) & np.isfinite(self.rho[place])
        if there.sum() < MIN_POINTS:
            return None
        before, rho = self.newest[:, place[there]], np.maximum(self.rho[place[there]], 0)
        last = int(np.searchsorted(indices, self.index))
        weight = seen.weight[min(last, len(seen.weight) - 1), there] + 1e-6
        moved = Observations(before, seen.newest[None][..., there], weight[None])
        forth = locate(self._next(), rho, moved, spread[-1:], iterations=LOCATING_ITERATIONS)
        back = forth.rotation[0].T
        return_trip = -back @ forth.translation[0]
        # Of a frame that was not known, the pose of the last one before it.
        known = np.append(self.indices, self.index)
        of = np.searchsorted(known, indices, side="right") - 1
        if of[0] < 0:
            return None
        turned = np.concatenate((self.poses.rotation, np.eye(3)[None]))[of]
        shift = np.concatenate((self.poses.translation, np.zeros((1, 3))))[of]
        poses = Poses(turned @ back, turned @ return_trip + shift)
        found = np.empty(len(ids))
        found[~there] = triangulate(poses, seen.of(np.flatnonzero(~there)), spread)[0]
        depth = forth.rotation[0, 2, :2] @ before + forth.rotation[0, 2, 2]
        depth = depth + rho * forth.translation[0, 2]
        found[there] = rho / np.maximum(depth, 1e-3)
        return poses, np.maximum(found, 0)

    def _next(self) -> Poses:
        """Return the motion from the newest frame to the one after it, if the camera goes on."""
        before = np.flatnonzero(self.indices == self.index - 1)
        if not len(before):
            return Poses(np.eye(3)[None], np.zeros((1, 3)))
        back = self.poses.rotation[before].transpose(0, 2, 1)
        return Poses(back, -(back @ self.poses.translation[before][..., None])[..., 0])


def from_depth(
    seen: Observations, measured: tuple[Float64Array, Float64Array], spread: Float64Array
) -> Start:
    """Return poses by resection from points whose depth a sensor knows.

    Args:
        seen: the points.
        measured: inverse depths (N,) and their errors (N,), NaN where unknown.
        spread: (K,) of an observation.
    """
    value = measured[0]
    known = np.isfinite(value)
    count = len(seen.weight)
    poses = Poses(np.broadcast_to(np.eye(3), (count, 3, 3)), np.zeros((count, 3)))
    some = seen.of(np.flatnonzero(known))
    for factor in COARSE_TO_FINE:
        poses = locate(poses, value[known], some, factor * spread, iterations=COARSE_ITERATIONS)
    found, _ = triangulate(poses, seen, spread)
    return poses, np.maximum(np.where(known, value, found), 0)


def from_epipolar_geometry(
    seen: Observations, tolerance: float, spread: Float64Array
) -> Start | None:
    """Return poses by the essential matrix between the newest and the earliest frame that share
    enough points, and resection of the others.

    Source: Nister, "An efficient solution to the five-point relative pose problem", PAMI 2004, with
    MAGSAC++ (Barath et al., CVPR 2020), as OpenCV has them.

    Args:
        seen: the points.
        tolerance: distance of inliers.
        spread: (K,) of an observation.
    """
    first = _earliest(seen)
    if first is None:
        return None
    both = np.flatnonzero(seen.weight[first] > 0)
    here, there = seen.newest[:, both].T, seen.earlier[first][:, both].T
    matrix, inliers = cv2.findEssentialMat(
        here, there, np.eye(3), method=cv2.USAC_MAGSAC, prob=CONFIDENCE, threshold=tolerance
    )
    if matrix is None or matrix.shape != (3, 3) or inliers.sum() < MIN_POINTS:
        return None
    _, rotation, translation, _ = cv2.recoverPose(
        matrix, here, there, np.eye(3), mask=inliers.astype(np.uint8).copy()
    )
    inliers = both[inliers.ravel() > 0]
    turned, moved = np.asarray(rotation, np.float64), np.asarray(translation.ravel(), np.float64)
    return _from_pair(seen, first, turned, moved, inliers, spread)


def _earliest(seen: Observations) -> int | None:
    """Return the earliest frame that shares enough points with the newest."""
    shared = (seen.weight > 0).sum(axis=1)
    enough = np.flatnonzero(shared >= max(MIN_POINTS, MIN_SHARE * shared.max()))
    return int(enough[0]) if len(enough) else None


def _from_pair(
    seen: Observations,
    first: int,
    rotation: Float64Array,
    translation: Float64Array,
    good: Int64Array,
    spread: Float64Array,
) -> Start | None:
    """Return all poses by that of the frame `first` and its inliers `good` (M,)."""
    pair = Poses(np.asarray(rotation[None], np.float64), np.asarray(translation[None], np.float64))
    two = Observations(seen.newest, seen.earlier[first][None], seen.weight[first][None])
    rho, _ = triangulate(pair, two, spread[first : first + 1])
    good = good[rho[good] > 0]
    if len(good) < MIN_POINTS:
        return None
    # The camera is supposed to have travelled evenly at first.
    count = len(seen.weight)
    share = ((count - np.arange(count)) / (count - first))[:, None]
    turn = np.asarray(cv2.Rodrigues(np.asarray(rotation, np.float64))[0], np.float64)
    guess = Poses(rotation_of(share * turn.T), np.asarray(share * translation, np.float64))
    poses = locate(guess, rho[good], seen.of(good), spread, iterations=LOCATING_ITERATIONS)
    found, _ = triangulate(poses, seen, spread)
    return poses, np.maximum(found, 0)
