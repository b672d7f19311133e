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
    # The line through each point along its residual: line . epipole = 0.
    normal = np.stack((residual[..., 1], -residual[..., 0]), axis=-1)
    lines = np.concatenate((-normal, (normal * point).sum(axis=-1, keepdims=True)), axis=-1)
    limit = PULL_SPREADS * spread[:, None]
    pull = trust * np.minimum(np.linalg.norm(residual, axis=-1), limit) + 1e-12
    total = np.cumsum(pull, axis=1)
    drawn = np.random.default_rng(0).random((1, 2 * HYPOTHESES)) * total[:, -1:]
    index = (total[:, None] >= drawn[..., None]).argmax(axis=-1)
    frame = np.arange(len(total))
    pairs = lines[frame[:, None], index]
    candidates = np.cross(pairs[:, :HYPOTHESES], pairs[:, HYPOTHESES:])  # (K, E, 3)
    candidates /= np.linalg.norm(candidates, axis=-1, keepdims=True) + 1e-15
    single = np.float32  # half the memory of the largest arrays here
    across, _ = _across(lines.astype(single), point.astype(single), candidates.astype(single))
    np.minimum(across, limit[..., None].astype(single), out=across)
    cost = (trust[:, None].astype(single) @ across)[:, 0]
    best = candidates[frame, cost.argmin(axis=1)]
    for _ in range(ITERATIONS):
        across, distance = (each[..., 0] for each in _across(lines, point, best[:, None]))
        robust = trust / ((1 + (across / spread[:, None]) ** 2) * distance) ** 2
        moment = (lines * robust[..., None]).transpose(0, 2, 1) @ lines
        best = np.linalg.eigh(moment)[1][..., 0]
    return best


def components(
    residual: AnyArray, at: AnyArray, epipole: Float64Array
) -> tuple[AnyArray, AnyArray]:
    """Return the lengths (K, N) of residuals (K, 2, N) of points (K, 2, N) across and along the
    lines to epipoles (K, 3)."""
    epipole = epipole.astype(at.dtype)
    x = at[:, 0] * epipole[:, 2:] - epipole[:, :1]
    y = at[:, 1] * epipole[:, 2:] - epipole[:, 1:2]
    length = np.sqrt(x * x + y * y) + 1e-9
    across = np.abs(residual[:, 0] * y - residual[:, 1] * x) / length
    along = np.abs(residual[:, 0] * x + residual[:, 1] * y) / length
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


def _across(
    lines: AnyArray, point: AnyArray, epipole: AnyArray
) -> tuple[AnyArray, AnyArray]:
    """Return the residuals (K, S, E) across the lines from points to epipoles (K, E, 3), and the
    distances to them times their third coordinate.

    Args:
        lines: (K, S, 3) through the points along their residuals, as long as those.
        point: (K, S, 2).
        epipole: the epipoles.
    """
    # In place: fresh memory costs more than arithmetic here.
    distance, off = (
        point[..., i, None] * epipole[:, None, :, 2] - epipole[:, None, :, i] for i in (0, 1)
    )
    distance *= distance
    off *= off
    distance += off
    np.sqrt(distance, out=distance)
    distance += 1e-6
    across = np.matmul(lines, epipole.transpose(0, 2, 1), out=off)
    np.abs(across, out=across)
    across /= distance
    return across, distance
