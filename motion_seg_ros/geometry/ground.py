"""The ground: the dominant plane below the camera, and what cannot stand still before it.

Seen in direction n = (x, y, 1) at inverse depth rho, the points of a plane obey rho = g . n,
which is linear: g = -normal / height, where the unit normal points up, from the ground to the
camera. So the plane is a robust regression of inverse depths, whose errors are known, and the
covariance of g gives the error of all that is derived from it.

A static point is never below the ground, nor behind it along its ray. A car ahead at the camera's
own speed has the implied inverse depth 0 while the ground ends its rays below the horizon after a
few metres. What comes towards the camera has an implied position nearer than its true one, above
the ground: that it moves must show elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# What is taken for a ground. Set by hand; contrast, spread and what may lie below were tightened
# until random scenes without a ground (leaves, bushes, walls, boxes, corridors) gave hardly any.
MAX_TILT = np.radians(45)  # between the plane's normal and the camera's vertical axis
MIN_POINTS = 15.0  # on the plane, in weight
MIN_SHARE = 0.25  # of the weight in the lower half of the image that is on the plane
MIN_CONTRAST = 4.0  # density of points on the plane over that of the layers next to it
MAX_SPREAD = 0.1  # standard deviation of the heights of what lies near the plane, in camera heights
MAX_BELOW = 0.25  # static surface seen below the plane, per weight on it
MAX_NORMAL_ERROR = np.radians(3)  # standard error of the normal's direction
MAX_HEIGHT_ERROR = 0.1  # standard error of the camera's height, relative
KEPT = 0.5  # of MIN_POINTS and MIN_SHARE suffices for a plane that agrees with the previous one

# How even a ground is. In camera heights: a kerb is 0.1 for a car, and 0.25 of a low robot is more
# than it can drive over.
EVEN = 0.01  # least standard deviation of heights over the plane
ROUGHNESS = 0.03  # the same, while a plane is searched for
STEP = 0.25  # that the true ground may lie below the plane
SLOPE = np.radians(2)  # that it may fall off: half of the change of slope from here to the point

# The search.
HYPOTHESES = 96  # a third of good points is found with a probability of 97 %
SCORED = 256  # points that hypotheses are compared on
ITERATIONS = 3  # of each of the two reweighted fits
BIWEIGHT = 4.685  # standard deviations, for 95 % efficiency (Huber and Ronchetti, 2009)
BAND = 2.5  # standard deviations that count as on the plane
INFORMATIVE = 0.2  # greatest standard error of an inverse depth relative to the ground's
INDEPENDENT = 50.0  # points' worth of information: errors of the camera's path are common to all
FARTHEST = 1e-3  # least inverse depth of a height, over that of the point below the camera
FORGETTING = 2.0  # growth of the previous plane's covariance
DRIFT = np.radians(1)  # and of its normal's and height's relative standard error, per window


@dataclass(frozen=True, eq=False)
class GroundPlane:
    """The plane of the ground in a camera's coordinates (x right, y down, z forward).

    Attributes:
        coefficients: (3,) g; the ground's inverse depth in direction (x, y, 1) is g . (x, y, 1).
        covariance: (3, 3) of g.
        share: of the static points in the lower half of the image that is on the plane, in [0, 1].
        spread: standard deviation of the ground's own heights over the plane, in camera heights.
    """

    coefficients: Array
    covariance: Array
    share: float
    spread: float

    @property
    def height(self) -> float:
        """Camera's height over the plane, above 0, in the scale of the depths."""
        return float(1 / np.linalg.norm(self.coefficients))

    @property
    def normal(self) -> Array:
        """Unit vector (3,) that points up."""
        return np.asarray(-self.coefficients * self.height)

    def moved(self, rotation: Array, translation: Array) -> GroundPlane | None:
        """Return the plane in the coordinates X' = rotation X + translation of another camera; None
        where that camera is not above it."""
        turned = rotation @ self.coefficients
        scale = 1 + turned @ translation
        if scale <= 0:
            return None
        jacobian = (np.eye(3) - np.outer(turned, translation) / scale) @ rotation / scale
        covariance = jacobian @ self.covariance @ jacobian.T
        return replace(self, coefficients=turned / scale, covariance=covariance)

    def scaled(self, factor: float) -> GroundPlane:
        """Return the plane where all depths are multiplied by a factor."""
        covariance = self.covariance / factor**2
        return replace(self, coefficients=self.coefficients / factor, covariance=covariance)

    def inverse_depth(self, directions: Array) -> tuple[Array, Array]:
        """Return the ground's inverse depth (...) in directions x, y (..., 2), 0 at the horizon and
        negative above, and its standard error (...)."""
        x, y = directions[..., 0], directions[..., 1]
        by_x, by_y, constant = self.coefficients
        (xx, xy, xz), (_, yy, yz), (_, _, zz) = self.covariance
        variance = (xx * x + 2 * (xy * y + xz)) * x + (yy * y + 2 * yz) * y + zz
        return by_x * x + by_y * y + constant, np.sqrt(variance)

    def heights(
        self, directions: Array, inverse_depth: Array, sigma: Array | float
    ) -> tuple[Array, Array]:
        """Return the height of points over the plane in camera heights, and its standard error.

        Args:
            directions: x, y (..., 2).
            inverse_depth: (...), NaN where unknown.
            sigma: its standard error, (...).

        Returns:
            Heights (...): 0 on the ground, 1 as high as the camera, negative below the ground.
            Finite where the inverse depth is: no point counts as farther than 1,000 camera heights.
        """
        ground, error = self.inverse_depth(directions)
        rho = np.maximum(inverse_depth, FARTHEST / self.height)
        ratio = ground / rho
        return 1 - ratio, np.hypot(ratio * sigma, error) / rho

    def behind(self, directions: Array, inverse_depth: Array, sigma: Array | float) -> Array:
        """Return by how many standard errors points would lie behind the ground, if still.

        A ground that is no plane is allowed for: `STEP`, `SLOPE` and its `spread`.

        Args:
            directions: x, y (..., 2).
            inverse_depth: implied by standing still, (...), NaN where unknown.
            sigma: its standard error, (...).

        Returns:
            (...) float64, at least 0; 0 where the ray does not meet the ground, and where unknown.
        """
        ground, error = self.inverse_depth(directions)
        farthest = (ground - self._fall(directions, ground)) / (1 + STEP)
        deviation = np.sqrt(np.square(sigma) + error**2 + (self.spread * ground) ** 2)
        # A point at infinity is the limit, whatever noise made of it.
        excess = farthest - np.maximum(inverse_depth, 0)
        return np.where(excess > 0, excess / deviation, 0.0)

    def _fall(self, directions: Array, ground: Array) -> Array:
        """Return by how much a ground that falls off lowers inverse depths: the slope times the
        horizontal part of the ray, over the camera's height."""
        length = np.square(directions[..., 0]) + np.square(directions[..., 1]) + 1
        horizontal = np.sqrt(np.maximum(length - (ground * self.height) ** 2, 0))
        return np.asarray(SLOPE * horizontal / self.height)


class _Points(NamedTuple):
    """Points with known inverse depth: rays (N, 3), and rho, sigma, weight (N,)."""

    rays: Array
    rho: Array
    sigma: Array
    weight: Array

    def of(self, which: Mask | slice) -> _Points:
        """Return some of the points."""
        return _Points(*(each[which] for each in self))

    def tells(self, ground: Array) -> Mask:
        """Return which points (N,) are measured well enough to be told from a ground with inverse
        depths (N,) or (N, K) on their rays, which it must meet."""
        telling: Mask = self.sigma.reshape(-1, *[1] * (ground.ndim - 1)) < INFORMATIVE * ground
        return telling


class _Support(NamedTuple):
    """Weights of the points that planes explain, each of the planes' shape."""

    on: Array
    beside: Array
    below: Array
    lower_on: Array


def find_ground(
    directions: Array,
    inverse_depth: Array,
    sigma: Array,
    weight: Array,
    previous: GroundPlane | None = None,
) -> GroundPlane | None:
    """Find the ground below a camera.

    Args:
        directions: x, y (N, 2) of points in normalised coordinates.
        inverse_depth: (N,) of each if it stands still; points that are not finite are left out.
        sigma: (N,) its standard error.
        weight: (N,) belief in [0, 1] that it does.
        previous: the plane found before, in this camera's coordinates and scale.

    Returns:
        The plane; None if there is none, see the rules above.
    """
    known = np.isfinite(inverse_depth) & np.isfinite(sigma) & (weight > 0)
    points = _Points(_rays(directions), inverse_depth, sigma, weight).of(known)
    sample = _hypotheses(points, previous)
    if len(sample) == 0:
        return None
    some = points.of(slice(None, None, -(-len(points.rho) // SCORED)))
    support = _support(some, sample, ROUGHNESS)
    best = sample[np.argmax(support.on - support.below)]
    fitted = _fitted(points, best, ROUGHNESS)
    if fitted is None:
        return None
    kept = previous is not None and _agree(fitted[0], previous)
    spread = _spread(points, fitted[0])
    fitted = _fitted(points, fitted[0], spread, previous if kept else None)
    if fitted is None:
        return None
    support = _support(points, fitted[0], max(spread, ROUGHNESS))
    share = support.lower_on / points.weight[points.rays[:, 1] > 0].sum()
    plane = GroundPlane(*fitted, float(share), spread)
    return plane if _is_ground(plane, support, KEPT if kept else 1.0) else None


def _rays(directions: Array) -> Array:
    """Return directions (..., 2) as (x, y, 1)."""
    ones = np.ones((*directions.shape[:-1], 1))
    return np.concatenate((directions, ones), axis=-1)


def _upright(planes: Array) -> Mask:
    """Return which planes (K, 3) are below the camera and face it."""
    upright: Mask = planes[:, 1] > np.cos(MAX_TILT) * np.linalg.norm(planes, axis=1)
    return upright


def _hypotheses(points: _Points, previous: GroundPlane | None) -> Array:
    """Return planes (K, 3) through three points each of the lower half, and the previous one."""
    lower = points.of((points.rays[:, 1] > 0) & points.tells(points.rho))
    if lower.weight.sum() < MIN_POINTS * KEPT:
        return np.zeros((0, 3))
    total = np.cumsum(lower.weight)
    drawn = np.random.default_rng(0).random((HYPOTHESES, 3)) * total[-1]
    index = np.minimum(np.searchsorted(total, drawn), len(total) - 1)
    rays = lower.rays[index]
    normal_matrix = rays.transpose(0, 2, 1) @ rays + 1e-9 * np.eye(3)  # a point drawn twice
    right = (rays * lower.rho[index][..., None]).sum(axis=1)
    planes = np.linalg.solve(normal_matrix, right[..., None])[..., 0]
    if previous is not None:
        planes = np.concatenate((planes, previous.coefficients[None]))
    return np.asarray(planes[_upright(planes)])


def _support(points: _Points, planes: Array, roughness: float) -> _Support:
    """Return what planes (K, 3), or one (3,), explain of points.

    Counted is who could tell: points whose error is small before the inverse depth of the ground.
    Next to the plane are the layers twice as thick above and below; below it, surfaces that are
    seen at a finite distance: what seems infinitely far is a mover and speaks against no ground.
    """
    ground = points.rays @ planes.T
    shape = (-1, *[1] * (planes.ndim - 1))
    rho, sigma = points.rho.reshape(shape), points.sigma.reshape(shape)
    variance = BAND**2 * (sigma**2 + (roughness * ground) ** 2)
    off = rho - ground
    square = off**2
    tells = points.tells(ground)
    on = tells & (square < variance)
    beside = tells & (square < 9 * variance) & ~on
    below = tells & (off < -STEP * rho) & (square > variance) & (rho > BAND * sigma)
    lower = points.weight * (points.rays[:, 1] > 0)
    total = points.weight
    return _Support(total @ on, total @ beside, total @ below, lower @ on)


def _fitted(
    points: _Points, plane: Array, roughness: float, previous: GroundPlane | None = None
) -> tuple[Array, Array] | None:
    """Refine a plane by reweighted least squares (Tukey's biweight, which forgets outliers).

    Args:
        points: all points.
        plane: (3,) to begin with.
        roughness: standard deviation of the ground's own heights, in camera heights.
        previous: a plane found before, which counts as one more measurement.

    Returns:
        Coefficients (3,) and their covariance (3, 3); None where too few points are left.
    """
    known, told = np.zeros((3, 3)), np.zeros(3)
    if previous is not None:
        drift = (DRIFT / previous.height) ** 2 * np.eye(3)
        known = np.linalg.inv(FORGETTING * previous.covariance + drift)
        told = known @ previous.coefficients
    covariance = np.zeros((3, 3))
    for _ in range(ITERATIONS):
        ground = points.rays @ plane
        variance = points.sigma**2 + (roughness * ground) ** 2
        off = (points.rho - ground) ** 2 / (BIWEIGHT**2 * variance)
        trust = points.weight * np.maximum(1 - off, 0) ** 2 * points.tells(ground)
        weight = trust * (min(1.0, INDEPENDENT / max(trust.sum(), 1.0)) / variance)
        weighted = points.rays.T * weight
        try:
            covariance = np.linalg.inv(weighted @ points.rays + known)
        except np.linalg.LinAlgError:  # nothing left, or all on one line
            return None
        plane = covariance @ (weighted @ points.rho + told)
    return plane, covariance


def _spread(points: _Points, plane: Array) -> float:
    """Return the standard deviation of the heights of points near a plane, in camera heights,
    beyond what their errors make."""
    ground = points.rays @ plane
    near = points.tells(ground) & (np.abs(points.rho - ground) < STEP * ground)
    if not near.any():
        return ROUGHNESS
    height = points.rho[near] / ground[near] - 1
    error = points.sigma[near] / ground[near]
    # The median absolute deviation of normal noise is 0.6745 standard deviations.
    excess = (np.median(np.abs(height)) / 0.6745) ** 2 - np.median(error) ** 2
    return float(np.sqrt(max(excess, EVEN**2)))


def _agree(plane: Array, previous: GroundPlane) -> bool:
    """Return whether two planes are the same ground."""
    change = plane - previous.coefficients
    return bool(np.linalg.norm(change) * previous.height < STEP)


def _is_ground(plane: GroundPlane, support: _Support, needed: float) -> bool:
    """Return whether a plane obeys the rules, `needed` of the support sufficing."""
    if not _upright(plane.coefficients[None]).all():
        return False
    height = plane.height
    across = np.eye(3) - np.outer(plane.normal, plane.normal)
    tilt = (
        np.sqrt(max(float(np.linalg.eigvalsh(across @ plane.covariance @ across)[-1]), 0)) * height
    )
    relative = np.sqrt(max(float(plane.normal @ plane.covariance @ plane.normal), 0)) * height
    return bool(
        support.on >= MIN_POINTS * needed
        and plane.share >= MIN_SHARE * needed
        and 2 * support.on >= MIN_CONTRAST * support.beside
        and plane.spread <= MAX_SPREAD
        and support.below <= MAX_BELOW * support.on
        and tilt <= MAX_NORMAL_ERROR
        and relative <= MAX_HEIGHT_ERROR
    )
