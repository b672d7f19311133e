"""Plane plus parallax: what depth adds to homographies, with no calibration and no poses.

The residuals of static points off the plane lie on lines that meet in the epipole (Irani and
Anandan, "A unified approach to moving object detection in 2D and 3D scenes", PAMI 1998). So what is
across those lines is noise or motion, and what is along them is judged by how much parallax the
static points show. Letters: K earlier frames, N points.
"""

from __future__ import annotations

import numpy as np

from motion_seg_ros.camera import Float64Array
from motion_seg_ros.geometry.bundle import AnyArray, Observations
from motion_seg_ros.geometry.statistics import MAD_TO_SIGMA, weighted_quantile

# Set by hand.
HYPOTHESES = 40  # epipoles, each the meeting point of two residuals
SCORED = 100  # points that they are compared on, about
ITERATIONS = 3  # of the refinement
DEEP_QUANTILE, DEEP_SIGMAS = 0.85, 1.44  # so many standard deviations of a normal distribution
PULL_SPREADS = 3.0  # residual from which a point pulls no more


def epipoles(
    seen: Observations, at: AnyArray, weight: Float64Array, spread: Float64Array
) -> Float64Array:
    """Return the homogeneous coordinates (K, 3) of the epipoles in the earlier frames.

    Args:
        seen: N points.
        at: (K, 2, N) where homographies see them.
        weight: (N,) of the points.
        spread: (K,) of the residuals to the homographies.
    """
    some = slice(None, None, max(1, at.shape[2] // SCORED))
    point = at[..., some].transpose(0, 2, 1).astype(np.float64)  # (K, S, 2)
    residual = (seen.earlier - at)[..., some].transpose(0, 2, 1).astype(np.float64)
    trust = seen.weight[:, some] * weight[some]
    lines = _lines(point, residual)
    limit = PULL_SPREADS * spread[:, None]
    length = np.sqrt(np.einsum("ksi,ksi->ks", residual, residual))
    total = np.cumsum(trust * np.minimum(length, limit) + 1e-12, axis=1)
    # Drawn by that pull, from all frames in one search.
    frame = np.arange(len(total))
    drawn = np.random.default_rng(0).random(2 * HYPOTHESES) + frame[:, None]
    index = np.searchsorted((total / total[:, -1:] + frame[:, None]).ravel(), drawn.ravel())
    pairs = lines.reshape(-1, 3)[index].reshape(len(total), 2 * HYPOTHESES, 3)
    candidates = np.cross(pairs[:, :HYPOTHESES], pairs[:, HYPOTHESES:])  # (K, E, 3)
    candidates /= np.linalg.norm(candidates, axis=-1, keepdims=True) + 1e-15
    square = np.einsum("ksi,ksi->ks", point, point)
    powers = np.dstack((square, point, np.ones_like(square)))
    across, _ = _across(lines, powers, candidates)
    np.minimum(across, limit[..., None], out=across, casting="same_kind")
    cost = (trust[:, None].astype(across.dtype) @ across)[:, 0]
    best = candidates[frame, cost.argmin(axis=1)]
    for _ in range(ITERATIONS):
        across, distance = (each[..., 0] for each in _across(lines, powers, best[:, None]))
        robust = trust / ((1 + (across / spread[:, None]) ** 2) * distance) ** 2
        moment = (lines * robust[..., None]).transpose(0, 2, 1) @ lines
        best = np.linalg.eigh(moment)[1][..., 0]
    return np.asarray(best)


def components(
    residual: AnyArray, at: AnyArray, epipole: Float64Array
) -> tuple[AnyArray, AnyArray]:
    """Return the lengths (K, N) of residuals (K, 2, N) of points (K, 2, N) across and along the
    lines to epipoles (K, 3)."""
    epipole = epipole.astype(at.dtype)
    off = at * epipole[:, 2:, None]
    off -= epipole[:, :2, None]
    length = np.sqrt(np.einsum("kin,kin->kn", off, off)) + 1e-9
    across = residual[:, 0] * off[:, 1]
    across -= residual[:, 1] * off[:, 0]
    along = np.einsum("kin,kin->kn", residual, off)
    for each in (across, along):
        np.abs(each, out=each)
        each /= length
    return across, along


def spreads_of(
    across: AnyArray, along: AnyArray, weight: AnyArray, least: float
) -> tuple[Float64Array, Float64Array]:
    """Return the standard deviations (K,) of the components (K, N) of static points.

    Across it is that of noise, by the median; along it is that of the parallax, by DEEP_QUANTILE,
    since where most points lie on the plane the others still are static.
    """
    noise = weighted_quantile(across, weight, 0.5) * MAD_TO_SIGMA
    parallax = weighted_quantile(along, weight, DEEP_QUANTILE) / DEEP_SIGMAS
    return np.maximum(noise, least), np.maximum(parallax, least)


def _lines(point: Float64Array, residual: Float64Array) -> Float64Array:
    """Return the lines (K, S, 3) through points (K, S, 2) along their residuals, as long as those:
    line . epipole = 0."""
    lines = np.empty((*point.shape[:2], 3))
    lines[..., 0] = -residual[..., 1]
    lines[..., 1] = residual[..., 0]
    lines[..., 2] = residual[..., 1] * point[..., 0] - residual[..., 0] * point[..., 1]
    return lines


def _across(
    lines: Float64Array, powers: Float64Array, epipole: Float64Array
) -> tuple[AnyArray, AnyArray]:
    """Return the residuals (K, S, E) across the lines from points to epipoles (K, E, 3), and the
    distances between those times the third coordinates of the epipoles.

    Args:
        lines: (K, S, 3) through the points along their residuals.
        powers: (K, S, 4) x x + y y, x, y and 1 of the points.
        epipole: the epipoles.
    """
    x, y, w = epipole[..., 0], epipole[..., 1], epipole[..., 2]
    terms = np.stack((w * w, -2 * w * x, -2 * w * y, x * x + y * y), axis=1)
    # The largest arrays here: single precision, in place.
    square = np.maximum(powers @ terms, 0).astype(np.float32)
    distance = np.sqrt(square, out=square)
    distance += 1e-6
    across = lines.astype(np.float32) @ epipole.transpose(0, 2, 1).astype(np.float32)
    np.abs(across, out=across)
    across /= distance
    return across, distance
