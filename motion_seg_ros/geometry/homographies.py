"""Homographies from the newest frame to earlier ones, bent a little.

A homography is all that a planar world, a camera that only turns, or one that zooms can show. What
lens distortion, a rolling shutter and a curved ground add is smooth: a quadratic in the position.
"""

from __future__ import annotations

import numpy as np

from motion_seg_ros.camera import Float64Array
from motion_seg_ros.geometry.bundle import AnyArray, Observations, mapped, robust_weights
from motion_seg_ros.geometry.statistics import spread_of

RIDGE = 1e-6  # towards the identity, relative; set by hand


def fit_homographies(
    seen: Observations, prior: Float64Array, least_spread: float, iterations: int
) -> tuple[Float64Array, Float64Array]:
    """Fit a homography to each earlier frame, robustly (iteratively re-weighted least squares).

    Args:
        seen: N points in K earlier frames.
        prior: (N,) belief that a point is static.
        least_spread: of an observation.
        iterations: number of fits.

    Returns:
        (K, 3, 3) with 1 in the last place, and the spread (K,) of the static points' observations.
    """
    trust = seen.weight * prior.astype(seen.weight.dtype)
    weight = trust
    homographies = np.broadcast_to(np.eye(3), (len(trust), 3, 3))
    spread = np.full(len(trust), least_spread)
    x, y = seen.newest.astype(np.float64)
    products = np.stack([x * x, x * y, x, x * y, y * y, y, x, y, np.ones_like(x)], axis=1)
    u, v = seen.earlier[:, 0], seen.earlier[:, 1]
    factors = np.stack([np.ones_like(u), -u, -v, u * u + v * v]).astype(np.float64)
    for _ in range(iterations):
        homographies = _solved((factors * weight).reshape(-1, len(x)) @ products)
        at, scale = _projected(homographies, seen.newest)
        residual = seen.earlier - at
        spread = spread_of(residual, trust, least_spread)
        # The last divisor weighs the algebraic error of the next fit.
        weight = robust_weights(residual, trust, spread) / (scale * scale)
    return homographies, spread


def warped(homographies: Float64Array, newest: Float64Array) -> Float64Array:
    """Return the images (K, 2, N) of directions (2, N) under homographies (K, 3, 3)."""
    return _projected(homographies, newest)[0]


def _projected(homographies: Float64Array, newest: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return the same, and the depths (K, N) that the images were divided by."""
    q = mapped(homographies, newest)
    scale = np.maximum(q[:, 2], 1e-3)
    return q[:, :2] / scale[:, None], scale


def _solved(moments: Float64Array) -> Float64Array:
    """Return the least-squares homographies (K, 3, 3) by the moments (4 K, 9): of the products of
    x, y, 1, weighted, and times -u, -v and u u + v v of the images."""
    plain, by_u, by_v, squares = moments.reshape(4, -1, 3, 3)
    normal = np.zeros((len(plain), 9, 9))
    normal[:, 0:3, 0:3] = normal[:, 3:6, 3:6] = plain
    normal[:, 6:9, 6:9] = squares
    normal[:, 0:3, 6:9] = normal[:, 6:9, 0:3] = by_u
    normal[:, 3:6, 6:9] = normal[:, 6:9, 3:6] = by_v
    pull = -normal[:, :8, 8]
    ridge = RIDGE * (plain[:, 2, 2] + 1e-9)[:, None]
    pull[:, [0, 4]] += ridge  # to the identity
    normal.reshape(-1, 81)[:, :80:10] += ridge  # the diagonal
    found = np.ones((len(normal), 9, 1))
    found[:, :8] = np.linalg.solve(normal[:, :8, :8], pull[..., None])
    return found.reshape(-1, 3, 3)


def fit_bends(
    seen: Observations, at: AnyArray, prior: Float64Array, spread: Float64Array, iterations: int
) -> Float64Array:
    """Fit a quadratic to what homographies leave, robustly.

    Args:
        seen: N points in K earlier frames.
        at: (K, 2, N) where the homographies see them.
        prior: (N,) belief that a point is static.
        spread: (K,) of an observation.
        iterations: number of fits.

    Returns:
        (K, 2, 6) coefficients of `quadratic_basis`.
    """
    left = seen.earlier - at
    basis = quadratic_basis(seen.newest)
    trust = seen.weight * prior.astype(seen.weight.dtype)
    products = (basis[:, None] * basis[None]).reshape(36, -1)
    bend = np.zeros((len(trust), 2, 6))
    ridge = RIDGE * np.eye(6)
    for _ in range(iterations):
        residual = left - bend.astype(left.dtype) @ basis
        weight = robust_weights(residual, trust, spread)
        normal = (weight @ products.T).reshape(-1, 6, 6).astype(np.float64)
        normal += ridge * (normal[:, :1, :1] + 1e-9)
        pull = (weight[:, None] * left).reshape(-1, len(prior)) @ basis.T
        pull = pull.reshape(-1, 2, 6).transpose(0, 2, 1)
        bend = np.linalg.solve(normal, pull).transpose(0, 2, 1)
    return bend


def quadratic_basis(newest: AnyArray) -> AnyArray:
    """Return 1, x, y, xx, xy, yy (6, N) of directions (2, N)."""
    x, y = newest
    return np.stack((np.ones_like(x), x, y, x * x, x * y, y * y))
