"""A quadratic surface fitted robustly to the displacements of an image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.camera import Float64Array
from motion_seg_ros.geometry.statistics import MAD_TO_SIGMA, weighted_quantile

# Set by hand:
ITERATIONS = 8
MIN_SIGMA_PX = 0.15  # of the fit; below it is rounding, and weights would lock in


def quadratic_basis(xy: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[Any]:
    """Return 1, x, y, xx, xy, yy (..., 6) of pixels (..., 2) of an image of `size` = (h, w), with x
    and y from the centre, in half widths."""
    height, width = size
    x = (xy[..., 0] - width / 2) / (width / 2)
    y = (xy[..., 1] - height / 2) / (width / 2)
    return np.stack((np.ones_like(x), x, y, x * x, x * y, y * y), axis=-1)


def fit_quadratic(basis: Float64Array, moved: Float64Array, prior: Float64Array) -> Float64Array:
    """Return the coefficients (6, 2) of a quadratic, fitted by iteratively re-weighted least
    squares with Geman-McClure weights.

    Args:
        basis: (N, 6) of the points, see `quadratic_basis`.
        moved: (N, 2) their displacement in pixels.
        prior: (N,) that a point is static, 0 or more.
    """
    weight = prior
    ridge = 1e-6 * np.eye(basis.shape[1])
    surface = np.zeros((basis.shape[1], 2))
    for _ in range(ITERATIONS):
        weighted = basis * weight[:, None]
        normal = weighted.T @ basis + ridge * weight.sum()
        surface = np.linalg.solve(normal, weighted.T @ moved)
        distance = np.linalg.norm(moved - basis @ surface, axis=1)
        middle = float(weighted_quantile(distance, prior, 0.5))
        sigma = max(MIN_SIGMA_PX, MAD_TO_SIGMA * middle)
        weight = prior / (1 + (distance / (1.5 * sigma)) ** 2) ** 2
    return surface
