"""Models of the static world fitted to the tracks of a window, and how each track fits them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion_seg_ros.camera import Float64Array
from motion_seg_ros.geometry.bundle import Observations, Poses, seen_at, triangulate
from motion_seg_ros.geometry.homographies import (
    fit_bends,
    fit_homographies,
    quadratic_basis,
    warped,
)
from motion_seg_ros.geometry.motion import Parallax
from motion_seg_ros.geometry.parallax import components, epipoles, spreads_of
from motion_seg_ros.geometry.scene import Scene
from motion_seg_ros.geometry.statistics import weighted_quantile

# Set by hand; lengths are in reference pixels, see scene.REFERENCE_SIDE_PX.
NOISE_PX = 0.1  # least spread assumed of static tracks
PARALLAX_TO_SHIFT = 1.0  # most of the spread of parallax, to the motion of the plane in the image
ITERATIONS = 6  # of homographies and bends
FARTHEST_SENSED = 5.0  # standard errors by which a wrong depth counts at most


@dataclass(frozen=True, eq=False)
class Fit:
    """A model fitted to a scene of M tracks in K frames.

    Attributes:
        linear: (K, 3, 3).
        translation: (K, 3).
        bend: (K, 2, 6).
        spread: (K,) of static tracks.
        residual: (K, 2, M).
        misfit: (M,) in spreads; NaN where a track is seen in no earlier frame.
        rho: (M,) inverse depths that best explain the tracks.
        error: (M,) their standard errors.
        parallax: beside homographies; its arrays are over the K frames and M tracks.
    """

    linear: Float64Array
    translation: Float64Array
    bend: Float64Array
    spread: Float64Array
    residual: Float64Array
    misfit: Float64Array
    rho: Float64Array
    error: Float64Array
    parallax: Parallax | None = None

    @classmethod
    def flat(cls, scene: Scene) -> Fit:
        """Fit homographies, and the parallax beside them."""
        seen, fitted, least = scene.seen, scene.fitted, NOISE_PX * scene.pixel
        linear, spread = fit_homographies(fitted, scene.prior[scene.some], least, ITERATIONS)
        area = scene.area[scene.some]
        at = warped(linear, fitted.newest)
        bend = fit_bends(fitted, at, scene.prior[scene.some], spread, ITERATIONS)
        basis = quadratic_basis(seen.newest)
        everywhere = warped(linear, seen.newest) + bend.astype(at.dtype) @ basis
        at = everywhere.take(scene.some, axis=2)
        epipole = epipoles(fitted, at, area, spread)
        across, along = components(fitted.earlier - at, at, epipole)
        weight = fitted.weight * area
        spread, along_spread = spreads_of(across, along, weight, least)
        # Where the plane stands still in the image, so does the camera: nothing is parallax.
        moved = at - fitted.newest
        shift = np.sqrt(weighted_quantile(np.einsum("kin,kin->kn", moved, moved), weight, 0.5))
        along_spread = np.minimum(along_spread, np.maximum(PARALLAX_TO_SHIFT * shift, spread))
        there = seen.weight > 0
        residual = np.where(there[:, None], seen.earlier - everywhere, 0)
        across, along = components(residual, everywhere, epipole)
        square = 1 / spread**2 @ (across * across) + 1 / along_spread**2 @ (along * along)
        count = there.sum(axis=0)
        misfit = np.sqrt(square / np.maximum(2 * count, 1))
        misfit = np.where(count > 0, misfit, np.nan)
        unknown, still = np.full(len(misfit), np.nan), np.zeros((len(linear), 3))
        parallax = Parallax(epipole, along_spread, across, along)
        return cls(linear, still, bend, spread, residual, misfit, unknown, unknown, parallax)

    @classmethod
    def rigid(cls, scene: Scene, poses: Poses, spread: Float64Array) -> Fit:
        """Judge all tracks of a scene by poses."""
        seen = scene.seen
        rho, error = triangulate(poses, seen, spread)
        best, depth_square = rho, np.zeros(len(rho))
        if scene.measured is not None:
            value, deviation = scene.measured
            known = np.isfinite(value)
            trust = np.where(known, 1 / deviation**2, 0.0)
            best = (rho / error**2 + np.where(known, trust * value, 0)) / (1 / error**2 + trust)
            off = np.where(known, (best - value) / deviation, 0.0)
            depth_square = np.minimum(off**2, FARTHEST_SENSED**2)
        at = seen_at(poses, seen.newest, np.maximum(best, 0))
        residual, misfit = misfit_of(seen, at, spread, 1, depth_square)
        straight = np.zeros((len(spread), 2, 6))
        return cls(
            poses.rotation, poses.translation, straight, spread, residual, misfit, rho, error
        )


def misfit_of(
    seen: Observations,
    at: Float64Array,
    spread: Float64Array,
    parameters: int,
    others: Float64Array | float = 0.0,
) -> tuple[Float64Array, Float64Array]:
    """Return residuals (K, 2, N) and misfits (N,) of points of which `parameters` were fitted each;
    `others` (N,) are squares of measurements beside the positions."""
    there = seen.weight > 0
    residual = np.where(there[:, None], seen.earlier - at, 0.0)
    square = 1 / spread**2 @ np.einsum("kin,kin->kn", residual, residual) + others
    count = there.sum(axis=0)
    misfit = np.sqrt(square / np.maximum(2 * count - parameters, 1))
    return residual, np.where(count > 0, misfit, np.nan)
