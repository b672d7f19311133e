"""Camera motion between two frames, fitted to image displacements.

The static world is modelled as a smooth surface plus parallax. The displacement of the surface is a
quadratic in x and y, which covers rotation, zoom, a moving plane and mild lens distortion. The
residual displacement of static points off that surface lies on epipolar lines, which meet in the
epipole (plane plus parallax; Irani and Anandan, "A unified approach to moving object detection in
2D and 3D scenes", PAMI 1998). The disagreement of a displacement with the static world is measured
in the spread of the static points, separately along the epipolar line (parallax) and across it.
Without parallax both spreads are noise and the measure is that of the quadratic alone; with much
parallax it is the epipolar constraint: no threshold chooses between models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import FloatArray

Float64Array = npt.NDArray[np.float64]

MAD_TO_SIGMA = 1.4826  # median absolute deviation -> standard deviation of a normal distribution
# The rest was set by hand.
SURFACE_ITERATIONS = 8
EPIPOLE_HYPOTHESES = 100
EPIPOLE_SCORING_POINTS = 300  # by which a hypothesis is scored, about
EPIPOLE_ITERATIONS = 4
MIN_POINTS = 30
MAX_POINTS = 900  # taking part in a fit, evenly chosen
MIN_SIGMA_PX = 0.05  # of the fits; below it is rounding, and weights would lock in


@dataclass(frozen=True, eq=False)
class CameraMotion:
    """Fitted displacement of the static world; pixels are those of an image of `size`.

    Attributes:
        size: h, w of the image.
        surface: (6, 2) coefficients of the quadratic, see `quadratic_basis`.
        epipole: (3,) homogeneous pixel coordinates; the third is 0 at infinity.
        sigma_across_px: spread of the static points across the epipolar lines: noise.
        sigma_along_px: spread along them: noise and parallax.
    """

    size: tuple[int, int]
    surface: Float64Array
    epipole: Float64Array
    sigma_across_px: float
    sigma_along_px: float

    def displacement(self, xy: FloatArray) -> FloatArray:
        """Return the displacement (..., 2) of the surface at `xy` (..., 2), in pixels."""
        basis = quadratic_basis(xy, self.size)
        return np.asarray(basis @ self.surface.astype(np.float32), np.float32)

    def components(self, xy: FloatArray, residual: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the magnitudes (...) of residuals (..., 2) across and along the epipolar lines, in
        pixels."""
        across, along = _components(xy, residual, self.epipole.astype(np.float32))
        return np.asarray(across, np.float32), np.asarray(along, np.float32)

    def disagreement(
        self, xy: FloatArray, residual: FloatArray, noise_across_px: float, noise_along_px: float
    ) -> FloatArray:
        """Return the distance of `residual` from the static world, in spreads.

        Args:
            xy: (..., 2) pixels.
            residual: (..., 2) displacement less that of the surface, pixels.
            noise_across_px: least spread assumed across the epipolar lines.
            noise_along_px: least spread assumed along them.

        Returns:
            (...) float32, 0 or more.
        """
        across, along = self.components(xy, residual)
        across = across / max(self.sigma_across_px, noise_across_px)
        along = along / max(self.sigma_along_px, noise_along_px)
        return np.asarray(np.sqrt(across * across + along * along), np.float32)


def fit_camera_motion(
    xy: FloatArray, displacement: FloatArray, weight: FloatArray, size: tuple[int, int]
) -> CameraMotion | None:
    """Fit a camera motion robustly to displacements.

    Deterministic: the hypotheses come from a fixed seed.

    Args:
        xy: (N, 2) pixels.
        displacement: (N, 2) pixels.
        weight: (N,) prior that the point is static, 0 or more.
        size: h, w of the image.

    Returns:
        The fit, or None with fewer than MIN_POINTS points of positive weight.
    """
    if np.count_nonzero(weight) < MIN_POINTS:
        return None
    some = slice(None, None, max(1, -(-len(xy) // MAX_POINTS)))
    points, moved = xy[some].astype(np.float64), displacement[some].astype(np.float64)
    prior = weight[some].astype(np.float64)
    basis = quadratic_basis(points, size)
    surface, sigma = fit_quadratic(basis, moved, prior)
    residual = moved - basis @ surface
    epipole = _fit_epipole(points, residual, prior, sigma, size)
    across, along = _components(points, residual, epipole)
    return CameraMotion(
        size,
        surface,
        epipole,
        MAD_TO_SIGMA * weighted_quantile(across, prior, 0.5),
        MAD_TO_SIGMA * weighted_quantile(along, prior, 0.5),
    )


def weighted_quantile(values: npt.NDArray[np.floating], weight: Float64Array, q: float) -> float:
    """Return the least of `values` that has the share `q` of the weight at or below it."""
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    place = min(int(np.searchsorted(total, q * total[-1])), len(order) - 1)
    return float(values[order[place]])


def quadratic_basis(xy: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[Any]:
    """Return 1, x, y, xx, xy, yy (..., 6) with x and y from the centre, in half widths."""
    height, width = size
    x = (xy[..., 0] - width / 2) / (width / 2)
    y = (xy[..., 1] - height / 2) / (width / 2)
    return np.stack((np.ones_like(x), x, y, x * x, x * y, y * y), axis=-1)


def fit_quadratic(
    basis: Float64Array, moved: Float64Array, prior: Float64Array
) -> tuple[Float64Array, float]:
    """Fit a quadratic by iteratively re-weighted least squares with Geman-McClure weights.

    Args:
        basis: (N, 6) of the points, see `quadratic_basis`.
        moved: (N, 2) their displacement in pixels.
        prior: (N,) that a point is static, 0 or more.

    Returns:
        (6, 2) coefficients, and the spread of the static points about it, in pixels.
    """
    weight, sigma = prior, MIN_SIGMA_PX
    ridge = 1e-6 * np.eye(basis.shape[1])
    surface = np.zeros((basis.shape[1], 2))
    for _ in range(SURFACE_ITERATIONS):
        weighted = basis * weight[:, None]
        normal = weighted.T @ basis + ridge * weight.sum()
        surface = np.linalg.solve(normal, weighted.T @ moved)
        distance = np.linalg.norm(moved - basis @ surface, axis=1)
        sigma = max(MIN_SIGMA_PX * 3, MAD_TO_SIGMA * weighted_quantile(distance, prior, 0.5))
        weight = prior / (1 + (distance / (1.5 * sigma)) ** 2) ** 2
    return surface, sigma


def _components(
    xy: npt.NDArray[np.floating], residual: npt.NDArray[np.floating], epipole: Float64Array
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
    """Return the magnitudes of residuals (..., 2) across and along the epipolar lines."""
    x = xy[..., 0] * epipole[..., 2] - epipole[..., 0]
    y = xy[..., 1] * epipole[..., 2] - epipole[..., 1]
    length = np.sqrt(x * x + y * y) + 1e-9
    across = np.abs(residual[..., 0] * y - residual[..., 1] * x) / length
    along = np.abs(residual[..., 0] * x + residual[..., 1] * y) / length
    return across, along


def _fit_epipole(
    xy: Float64Array,
    residual: Float64Array,
    prior: Float64Array,
    sigma: float,
    size: tuple[int, int],
) -> Float64Array:
    """Return the homogeneous pixel coordinates of the point that residuals point to or from."""
    centre, half_width = np.array([size[1] / 2, size[0] / 2]), size[1] / 2
    points = (xy - centre) / half_width
    # The line through each point along its residual, as coefficients: line . epipole = 0.
    normal = np.stack((residual[:, 1], -residual[:, 0]), axis=1)
    lines = np.concatenate((-normal, (normal * points).sum(axis=1, keepdims=True)), axis=1)
    epipole = _best_hypothesis(points, residual, lines, prior, sigma)
    for _ in range(EPIPOLE_ITERATIONS):
        across, _ = _components(points, residual, epipole)
        spread = max(MIN_SIGMA_PX, MAD_TO_SIGMA * weighted_quantile(across, prior, 0.5))
        distance = np.linalg.norm(points * epipole[2] - epipole[:2], axis=1) + 1e-3
        weight = prior / (1 + (across / (2 * spread)) ** 2) ** 2 / distance**2
        epipole = np.linalg.eigh((lines * weight[:, None]).T @ lines)[1][:, 0]
    shifted = epipole[:2] * half_width + centre * epipole[2]
    return np.array([shifted[0], shifted[1], epipole[2]])


def _best_hypothesis(
    points: Float64Array,
    residual: Float64Array,
    lines: Float64Array,
    prior: Float64Array,
    sigma: float,
) -> Float64Array:
    """Return the intersection of two residuals' lines with the least clipped sum of distances of
    all residuals across their epipolar lines."""
    rng = np.random.default_rng(0)
    pull = prior * np.minimum(np.linalg.norm(residual, axis=1), 3 * sigma) + 1e-12
    pairs = rng.choice(len(points), (EPIPOLE_HYPOTHESES, 2), p=pull / pull.sum())
    candidates = np.cross(lines[pairs[:, 0]], lines[pairs[:, 1]])
    candidates /= np.linalg.norm(candidates, axis=1, keepdims=True) + 1e-15
    scoring = slice(None, None, max(1, len(points) // EPIPOLE_SCORING_POINTS))
    # Distance across for all points and hypotheses at once: |line . e| / |x e_3 - e_12|.
    some, last = points[scoring], candidates[:, 2]
    length = (some**2).sum(axis=1, keepdims=True) * last**2 + (candidates[:, :2] ** 2).sum(axis=1)
    length -= 2 * last * (some @ candidates[:, :2].T)
    across = np.abs(lines[scoring] @ candidates.T) / (np.sqrt(np.maximum(length, 0)) + 1e-9)
    cost = prior[scoring] @ np.minimum(across, sigma + 0.1)
    return np.asarray(candidates[np.argmin(cost)], np.float64)
