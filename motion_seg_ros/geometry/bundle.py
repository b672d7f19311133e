"""Static points seen by a moving camera: projection, triangulation and bundle adjustment.

A static point that the newest frame sees in the direction n = (x, y, 1) at inverse depth rho lies
in frame k at q = R_k n + rho t_k, up to scale, and is seen at q[:2] / q[2] (inverse depth
parameterisation; Civera, Davison and Montiel, "Inverse depth parametrization for monocular SLAM",
T-RO 2008). With rho = 0 the same formula is that of a camera that only turns. Letters: K earlier
frames, N points. All coordinates are normalised (focal length 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.camera import Float64Array

AnyArray = npt.NDArray[Any]

# Set by hand.
LEAST_DEPTH_RATIO = 0.05  # of a point in frame k to that in the newest; a nearer one has left view
DAMPING = 1e-4  # relative, of the normal equations
ROBUST_SPREADS = 3.0  # residual at which an observation counts a quarter
MOST_SQUARE = 9.0  # of a residual in robust spreads, in the mean of a point
MAX_INVERSE_DEPTH = 1000.0  # where near points have about 1


@dataclass(frozen=True, eq=False)
class Poses:
    """Motion of the camera from the newest frame to K earlier ones.

    Attributes:
        rotation: (K, 3, 3).
        translation: (K, 3), in units of the scene's depth.
    """

    rotation: Float64Array
    translation: Float64Array

    def rotated(self, directions: Float64Array) -> Float64Array:
        """Return R_k n (K, 3, N) of directions x, y (2, N)."""
        return mapped(self.rotation, directions)


@dataclass(frozen=True, eq=False)
class Observations:
    """Directions in which N points are seen.

    Attributes:
        newest: (2, N) in the newest frame; all three are float32 or float64.
        earlier: (K, 2, N) in the earlier ones; finite where not seen too.
        weight: (K, N) trust, 0 where not seen.
    """

    newest: AnyArray
    earlier: AnyArray
    weight: AnyArray

    def of(self, some: npt.NDArray[np.int64]) -> Observations:
        """Return those of the points at `some` (M,)."""
        return Observations(self.newest[:, some], self.earlier[..., some], self.weight[:, some])

    def weighted(self, factor: AnyArray) -> Observations:
        """Return the same with each point's weights times a factor (N,)."""
        return Observations(
            self.newest, self.earlier, self.weight * factor.astype(self.weight.dtype)
        )


def mapped(linear: Float64Array, directions: AnyArray) -> AnyArray:
    """Return A_k n (K, 3, N) of matrices (K, 3, 3) and directions x, y (2, N)."""
    linear = linear.astype(directions.dtype)
    # One product of large matrices, and no copies: that is most of the time.
    result = (linear[..., :2].reshape(-1, 2) @ directions).reshape(len(linear), 3, -1)
    result += linear[..., 2:]
    return result


@dataclass(frozen=True, eq=False)
class _Seen:
    """Predicted positions, with what their derivatives share.

    Attributes:
        rotated: (K, 3, N).
        inverse: (K, 1, N) 1 / depth ratio.
        position: (K, 2, N).
    """

    rotated: Float64Array
    inverse: Float64Array
    position: Float64Array

    @classmethod
    def of(cls, poses: Poses, newest: Float64Array, rho: Float64Array) -> _Seen:
        rotated = poses.rotated(newest)
        q = poses.translation[..., None].astype(rotated.dtype) * rho.astype(rotated.dtype)
        q += rotated
        inverse = 1 / np.maximum(q[:, 2:], LEAST_DEPTH_RATIO)
        return cls(rotated, inverse, q[:, :2] * inverse)


def seen_at(poses: Poses, newest: Float64Array, rho: Float64Array) -> Float64Array:
    """Return where points are seen (K, 2, N) in the earlier frames.

    Args:
        poses: of those frames.
        newest: (2, N) directions in the newest frame.
        rho: (N,) inverse depths.
    """
    return _Seen.of(poses, newest, rho).position


def triangulate(
    poses: Poses, seen: Observations, spread: Float64Array, iterations: int = 2
) -> tuple[Float64Array, Float64Array]:
    """Return the inverse depths (N,) of points that poses and observations imply, and their
    standard errors (N,).

    Negative ones are those of points that only a place behind the camera explains. Without any
    parallax the inverse depth is 0 and its standard error large.

    Args:
        poses: of the earlier frames.
        seen: the observations.
        spread: (K,) of an observation.
        iterations: of the re-weighting by depth.
    """
    rotated = poses.rotated(seen.newest)
    shift = poses.translation[..., None].astype(seen.newest.dtype)  # (K, 3, 1)
    spread = spread.astype(seen.newest.dtype)
    slope = seen.earlier * -shift[:, 2:]
    slope += shift[:, :2]
    target = seen.earlier * rotated[:, 2:]
    target -= rotated[:, :2]
    trust = seen.weight / spread[:, None] ** 2
    along = np.einsum("kin,kin->kn", slope, target)
    power = np.einsum("kin,kin->kn", slope, slope)
    rho = information = np.zeros(seen.newest.shape[1])
    for i in range(iterations):
        depth = rho * shift[:, 2] + rotated[:, 2] if i else rotated[:, 2]
        weight = trust / np.maximum(depth, LEAST_DEPTH_RATIO) ** 2
        information = np.einsum("kn,kn->n", weight, power) + 1e-9
        rho = np.einsum("kn,kn->n", weight, along) / information
        rho = np.clip(rho, -MAX_INVERSE_DEPTH, MAX_INVERSE_DEPTH)
    return rho, 1 / np.sqrt(information)


def adjust(
    poses: Poses,
    rho: Float64Array,
    seen: Observations,
    spread: Float64Array,
    *,
    iterations: int,
    measured: tuple[Float64Array, Float64Array] | None = None,
) -> tuple[Poses, Float64Array]:
    """Refine poses and inverse depths together (bundle adjustment: Gauss-Newton steps with the
    points eliminated by the Schur complement; Triggs et al., "Bundle adjustment, a modern
    synthesis", 1999).

    Args:
        poses: to start from.
        rho: (N,) to start from.
        seen: the observations; their weights are lowered further where they do not fit.
        spread: (K,) of an observation of a static point.
        iterations: number of steps.
        measured: inverse depths (N,) and their standard errors (N,), NaN where unknown.
    """
    for _ in range(iterations):
        poses, rho = _step(poses, rho, seen, spread, measured)
    return poses, rho


def _step(
    poses: Poses,
    rho: Float64Array,
    seen: Observations,
    spread: Float64Array,
    measured: tuple[Float64Array, Float64Array] | None,
) -> tuple[Poses, Float64Array]:
    predicted = _Seen.of(poses, seen.newest, rho)
    residual = seen.earlier - predicted.position
    spread = spread.astype(residual.dtype)
    weight = robust_weights(residual, seen.weight, spread) / spread[:, None] ** 2
    shift = poses.translation[..., None].astype(residual.dtype)
    by_rho = (shift[:, :2] - predicted.position * shift[:, 2:]) * predicted.inverse
    jacobian = _pose_jacobian(predicted, rho)  # (K, 6, 2, N)
    weighted = jacobian * weight[:, None, None]
    count, points = len(shift), len(rho)
    flat = weighted.reshape(count, 6, 2 * points)
    pose_block = flat @ jacobian.reshape(count, 6, 2 * points).transpose(0, 2, 1)
    pose_pull = (flat @ residual.reshape(count, 2 * points, 1)).ravel()
    mixed = np.einsum("kpin,kin->kpn", weighted, by_rho).reshape(6 * count, points)
    weighted_by_rho = weight[:, None] * by_rho
    point_block = np.einsum("kin,kin->n", weighted_by_rho, by_rho) + 1e-6
    point_pull = np.einsum("kin,kin->n", weighted_by_rho, residual)
    if measured is not None:
        value, error = measured
        known = np.isfinite(value)
        trust = np.where(known, 1 / error**2, 0.0)
        point_block = point_block + trust
        point_pull = point_pull + trust * np.where(known, value - rho, 0.0)
    mixed = mixed.astype(np.float64)
    scaled = mixed / np.sqrt(point_block)
    normal = -(scaled @ scaled.T)
    own = np.einsum("kikj->kij", normal.reshape(count, 6, count, 6))  # a view
    own += pose_block
    diagonal = np.einsum("ii->i", normal)  # another
    diagonal += DAMPING * np.einsum("kii->", pose_block) / (6 * count) + 1e-9
    # Symmetric and positive: half the work of a general solution.
    right = pose_pull - mixed @ (point_pull / point_block)
    solved, step = cv2.solve(normal, right[:, None], flags=cv2.DECOMP_CHOLESKY)
    if not solved:
        return poses, rho
    step = step[:, 0]
    rho = np.clip(rho + (point_pull - mixed.T @ step) / point_block, 0, MAX_INVERSE_DEPTH)
    return _moved(poses, step.reshape(count, 6)), rho


def locate(
    poses: Poses, rho: Float64Array, seen: Observations, spread: Float64Array, *, iterations: int
) -> Poses:
    """Refine each pose alone, by points whose inverse depths (N,) are known (resection)."""
    for _ in range(iterations):
        predicted = _Seen.of(poses, seen.newest, rho)
        residual = seen.earlier - predicted.position
        weight = robust_weights(residual, seen.weight, spread)
        count, points = len(weight), len(rho)
        jacobian = _pose_jacobian(predicted, rho)
        flat = (jacobian * weight[:, None, None]).reshape(count, 6, 2 * points)
        block = flat @ jacobian.reshape(count, 6, 2 * points).transpose(0, 2, 1)
        block = block.astype(np.float64)
        pull = flat @ residual.reshape(count, 2 * points, 1)
        diagonal = np.einsum("kii->ki", block)  # a view
        diagonal += DAMPING / 6 * np.einsum("kii->k", block)[:, None] + 1e-12
        step = np.linalg.solve(block, pull)
        poses = _moved(poses, np.asarray(step[..., 0], np.float64))
    return poses


def robust_weights(
    residual: Float64Array, weight: Float64Array, spread: Float64Array
) -> Float64Array:
    """Return the weights (K, N) of observations after Geman and McClure.

    A point counts by its mean residual too, as what moves misfits in few frames at first.

    Args:
        residual: (K, 2, N).
        weight: (K, N) before.
        spread: (K,) of the observations of static points.
    """
    square = np.einsum("kin,kin->kn", residual, residual)
    square /= (ROBUST_SPREADS * spread.astype(square.dtype)[:, None]) ** 2
    mean = np.einsum("kn,kn->n", weight, np.minimum(square, MOST_SQUARE))
    mean /= weight.sum(axis=0) + 1e-9
    square += 1
    square *= 1 + mean
    square *= square
    return np.asarray(weight / square)


def rotation_of(turn: Float64Array) -> Float64Array:
    """Return the rotations (K, 3, 3) of rotation vectors (K, 3)."""
    return np.array([cv2.Rodrigues(each)[0] for each in turn])


def _moved(poses: Poses, step: Float64Array) -> Poses:
    """Return poses after steps (K, 6), rotation vector and translation."""
    return Poses(rotation_of(step[:, :3]) @ poses.rotation, poses.translation + step[:, 3:])


def _pose_jacobian(predicted: _Seen, rho: Float64Array) -> Float64Array:
    """Return the derivative (K, 6, 2, N) of positions by rotation vector and translation."""
    turned = predicted.rotated * predicted.inverse
    x, y, z = turned[:, 0], turned[:, 1], turned[:, 2]
    ux, uy = predicted.position[:, 0], predicted.position[:, 1]
    jacobian = np.zeros((len(x), 6, 2, len(rho)), x.dtype)
    jacobian[:, 0, 0] = -ux * y
    jacobian[:, 1, 0] = z + ux * x
    jacobian[:, 2, 0] = -y
    jacobian[:, 0, 1] = -z - uy * y
    jacobian[:, 1, 1] = uy * x
    jacobian[:, 2, 1] = x
    nearness = rho.astype(x.dtype) * predicted.inverse[:, 0]
    jacobian[:, 3, 0] = jacobian[:, 4, 1] = nearness
    jacobian[:, 5, 0] = -ux * nearness
    jacobian[:, 5, 1] = -uy * nearness
    return jacobian
