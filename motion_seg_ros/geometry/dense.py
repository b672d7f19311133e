"""Evidence of motion at each pixel: dense flow to earlier frames beside the camera's motion.

A pixel that stands still is seen in frame k at q = G_k n + rho t_k, see
motion_seg_ros.geometry.motion. Its inverse depth rho is the one that best explains the flow to all
of the frames together, by least squares, and what a depth sensor measured counts as one more
equation; homographies have none. What is left of the flow tells what moves. How much that has to be
is measured on the pixels that are believed static.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.camera import NONE, Camera, Float64Array
from motion_seg_ros.geometry.bundle import Observations
from motion_seg_ros.geometry.ground import GroundPlane
from motion_seg_ros.geometry.homographies import fit_bends, quadratic_basis
from motion_seg_ros.geometry.motion import Mode, Motion, WindowGeometry
from motion_seg_ros.geometry.parallax import components, epipoles, spreads_of
from motion_seg_ros.geometry.statistics import MAD_TO_SIGMA, RAYLEIGH_MEDIAN, weighted_quantile
from motion_seg_ros.types import BoolArray, FloatArray

# Set by hand:
NOISE_PX = 0.1  # least spread assumed of static pixels
LEAST_DEPTH_RATIO = 0.05  # of a pixel in an earlier frame to that in the newest
LEAST_INFORMATION = 1e-4  # of an inverse depth: less says nothing where the median is about 1
MAX_INVERSE_DEPTH = 50.0  # likewise
SAMPLED = 1600  # points that fits and statistics are of, about
FARTHEST_SENSED = 5.0  # standard errors by which a wrong depth counts at most
BEND_ITERATIONS = 3
FARTHEST_BEHIND = 10.0  # standard errors by which a place behind the ground counts at most


@dataclass(frozen=True, eq=False)
class Rays:
    """Directions of the points of a grid over an image.

    Attributes:
        camera: of the image.
        directions: (3, h * w) x/z, y/z, 1 of each point, row by row; 0, 0, 1 where a lens has none.
        x_px, y_px: (w,) and (h,) where the points are, in pixels.
    """

    camera: Camera
    directions: FloatArray
    x_px: FloatArray
    y_px: FloatArray

    @classmethod
    def of(cls, camera: Camera, size: tuple[int, int], grid: tuple[int, int]) -> Rays:
        """Return the directions of the centres of a grid of (h, w) cells over a camera's images
        resized to `size`."""
        small = camera.resized(size)
        y_px, x_px = (
            (np.arange(count) + 0.5) * (side / count) - 0.5
            for side, count in zip(size, grid, strict=True)
        )
        xy = np.nan_to_num(small.normalised(np.dstack(np.meshgrid(x_px, y_px)))).reshape(-1, 2)
        directions = np.concatenate((xy, np.ones((len(xy), 1))), axis=1).T
        return cls(small, *(each.astype(np.float32) for each in (directions, x_px, y_px)))

    @property
    def shape(self) -> tuple[int, int]:
        """h, w of the grid."""
        return len(self.y_px), len(self.x_px)

    def map(self, row: int) -> FloatArray:
        """Return a row of `directions` as a map (h, w)."""
        found: FloatArray = self.directions[row].reshape(self.shape)
        return found

    def after(self, flow: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the directions, two maps (h, w), of the places that flow (h, w, 2) in pixels leads
        to; with a lens that distorts those beyond the border are moved to it."""
        (fx, _, cx), (_, fy, cy) = self.camera.matrix[:2].astype(np.float32)
        flow_x, flow_y = cv2.split(flow)
        if self.camera.distortion_model == NONE:
            x = flow_x * (1 / fx) + (self.x_px - cx) / fx
            return x, flow_y * (1 / fy) + ((self.y_px - cy) / fy)[:, None]
        column = (flow_x + (self.x_px - self.x_px[0])) / (self.x_px[1] - self.x_px[0])
        row = (flow_y + (self.y_px - self.y_px[0])[:, None]) / (self.y_px[1] - self.y_px[0])
        x, y = (
            np.asarray(
                cv2.remap(each, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
                np.float32,
            )
            for each in (self.map(0), self.map(1))
        )
        return x, y


@dataclass(frozen=True, eq=False)
class DenseGeometry:
    """Flow against the static world: maps (h, w) float32 over a grid of the newest frame.

    Attributes:
        residuals_px: for each flow (h, w, 2), what no static point explains of it, in pixels of the
            middle of the image.
        misfit: root mean square of the residuals, in standard deviations of those of static pixels;
            a depth that disagrees and a place behind the ground add to it.
        inverse_depth: of a pixel that stands still, in the unit of the window's geometry; negative
            behind the camera; 0 with homographies.
        error: its standard error; infinite with homographies.
        median: median inverse depth of the static pixels; 1 with homographies.
        behind_camera, behind_ground: standard errors by which a still pixel would be there, by its
            flow; at least 0.
    """

    residuals_px: tuple[FloatArray, ...]
    misfit: FloatArray
    inverse_depth: FloatArray
    error: FloatArray
    median: float
    behind_camera: FloatArray
    behind_ground: FloatArray


def explain_flows(
    geometry: WindowGeometry,
    flows: Sequence[tuple[int, FloatArray]],
    rays: Rays,
    static_weight: FloatArray,
    measured: tuple[FloatArray, FloatArray] | None = None,
) -> DenseGeometry | None:
    """Compare flows with the static world.

    Args:
        geometry: of the window.
        flows: gaps in frames, ascending, and flow (h, w, 2) in pixels from the newest frame to the
            one so many before.
        rays: of the grid that all maps are of.
        static_weight: (h, w) belief that a pixel is static, by which spreads are measured.
        measured: inverse depth (h, w) of a sensor in 1/m and its standard error, NaN where unknown;
            of a geometry that is metric.

    Returns:
        None where the motion to none of the frames is known.
    """
    motion = geometry.motion
    if motion is None:
        return None
    known = np.flatnonzero(motion.known[::-1])  # by gap
    flows = [(gap, flow) for gap, flow in flows if gap in known]
    if not flows:
        return None
    views = [_View.of(motion, gap, flow, rays) for gap, flow in flows]
    if geometry.mode is Mode.RIGID:
        return _rigid(views, rays, static_weight, geometry.ground, measured)
    return _flat(views, rays, static_weight)


@dataclass(frozen=True, eq=False)
class _View:
    """Positions of the pixels in an earlier frame: maps (h, w).

    Attributes:
        rotated: G n, (3, h, w).
        shift: t.
        bend: smooth difference from a homography, (2, h, w).
        x, y: the directions that flow leads to.
        spread: of static tracks there.
    """

    rotated: FloatArray
    shift: FloatArray
    bend: FloatArray
    x: FloatArray
    y: FloatArray
    spread: float

    @classmethod
    def of(cls, motion: Motion, gap: int, flow: FloatArray, rays: Rays) -> _View:
        rows = motion.linear[-1 - gap].astype(np.float32)
        shift = motion.translation[-1 - gap].astype(np.float32)
        rotated = (rows @ rays.directions).reshape(3, *rays.shape)
        bend = np.zeros((2, *rays.shape), np.float32)
        if motion.bend[-1 - gap].any():
            coefficients = motion.bend[-1 - gap].astype(np.float32)
            bend = (coefficients @ quadratic_basis(rays.directions[:2])).reshape(bend.shape)
        return cls(rotated, shift, bend, *rays.after(flow), float(motion.spread[-1 - gap]))

    def equation(self) -> tuple[FloatArray, FloatArray]:
        """Return slope . slope and slope . target of the two equations slope rho = target, each
        times the ratio of depths."""
        tx, ty, tz = self.shift
        rx, ry, rz = self.rotated
        slope_x, slope_y = tx - self.x * tz, ty - self.y * tz
        target_x, target_y = self.x * rz - rx, self.y * rz - ry
        return slope_x * slope_x + slope_y * slope_y, slope_x * target_x + slope_y * target_y

    def depth_ratio(self, rho: FloatArray | np.float32) -> FloatArray:
        """Return the depth of pixels in this frame over that in the newest."""
        ratio = self.rotated[2] + rho * self.shift[2]
        return np.asarray(np.maximum(ratio, np.float32(LEAST_DEPTH_RATIO)), np.float32)

    def place(self, rho: FloatArray | np.float32) -> FloatArray:
        """Return the directions (2, h, w) in which static points at inverse depths are seen."""
        inverse = 1 / self.depth_ratio(rho)
        x = (self.rotated[0] + rho * self.shift[0]) * inverse + self.bend[0]
        y = (self.rotated[1] + rho * self.shift[1]) * inverse + self.bend[1]
        return np.stack((x, y))

    def residual(self, rho: FloatArray | np.float32, rays: Rays) -> FloatArray:
        """Return (h, w, 2) flow less that of static points at inverse depths, in pixels."""
        x, y = self.place(rho)
        x, y = self.x - x, self.y - y
        fx, fy = rays.camera.matrix[[0, 1], [0, 1]].astype(np.float32)
        return np.asarray(cv2.merge((x * fx, y * fy)), np.float32)


def _flat(views: Sequence[_View], rays: Rays, static_weight: FloatArray) -> DenseGeometry:
    """Compare flows with homographies, and with parallax beside them: what is across the lines to
    the epipole is noise or motion, what is along them is judged by how much the static pixels show.
    The bend and the epipole are those of the flow itself, which differs from tracks a little."""
    weight = _sampled(static_weight)
    focal = rays.camera.matrix[[0, 1], [0, 1]]
    newest = _sampled(rays.directions[:2].T.reshape(*rays.shape, 2)).T
    basis = quadratic_basis(rays.directions[:2])
    residuals, squares = [], []
    for view in views:
        at = view.place(np.float32(0))
        there = np.stack((view.x, view.y))
        seen = Observations(
            newest, _sampled(there.transpose(1, 2, 0)).T[None], np.ones((1, len(weight)))
        )
        sampled_at = _sampled(at.transpose(1, 2, 0)).T[None]
        left = np.linalg.norm(seen.earlier - sampled_at, axis=1)
        spread = MAD_TO_SIGMA * weighted_quantile(left, weight[None], 0.5) + 1e-9
        bend = fit_bends(seen, sampled_at, weight, spread, BEND_ITERATIONS)[0]
        at = at + (bend.astype(np.float32) @ basis).reshape(at.shape)
        sampled_at = _sampled(at.transpose(1, 2, 0)).T[None]
        epipole = epipoles(seen, sampled_at, weight, spread)
        residual = (there - at) * focal.astype(np.float32)[:, None, None]
        across, along = (
            each.reshape(rays.shape)
            for each in components(residual.reshape(1, 2, -1), at.reshape(1, 2, -1), epipole)
        )
        noise, parallax = spreads_of(
            _sampled(across)[None], _sampled(along)[None], weight[None], NOISE_PX
        )
        squares.append((across / float(noise[0])) ** 2 + (along / float(parallax[0])) ** 2)
        residuals.append(np.asarray(cv2.merge(tuple(residual)), np.float32))
    nothing = np.zeros_like(views[0].x)
    return DenseGeometry(
        tuple(residuals),
        np.asarray(np.sqrt(sum(squares) / len(views)), np.float32),
        nothing,
        np.full_like(nothing, np.inf),
        1.0,
        nothing,
        nothing,
    )


def _rigid(
    views: Sequence[_View],
    rays: Rays,
    static_weight: FloatArray,
    ground: GroundPlane | None,
    measured: tuple[FloatArray, FloatArray] | None,
) -> DenseGeometry:
    """Compare flows with poses."""
    rho, power = _triangulated(views)
    best, information, off = rho, power, None
    if measured is not None:
        value, deviation = measured
        known: BoolArray = np.isfinite(value) & np.isfinite(deviation)
        value, deviation = np.where(known, value, 0), np.where(known, deviation, 1)
        trust = known / (deviation * deviation)
        information = power + trust
        best = np.asarray((power * rho + trust * value) / information, np.float32)
        off = np.minimum(np.abs(best - value) / deviation, FARTHEST_SENSED) * known
    best = np.maximum(best, 0)
    residuals = tuple(each.residual(best, rays) for each in views)
    spreads = tuple(_spread(each, static_weight) for each in residuals)
    # The spread of tracks stood for that of flow, which is known now.
    focal = rays.camera.focal_px
    ratios = [px / (focal * each.spread) for px, each in zip(spreads, views, strict=True)]
    error, known_error = (
        np.asarray(float(np.mean(ratios)) / np.sqrt(each), np.float32)
        for each in (power, information)
    )
    square = _square(residuals, spreads)
    if off is not None:
        square += off * off
    behind = np.zeros_like(rho)
    if ground is not None:
        behind = _behind_ground(ground, rays, rho, error)
        square += np.minimum(behind, np.float32(FARTHEST_BEHIND)) ** 2
    return DenseGeometry(
        residuals,
        np.sqrt(square / np.float32(len(views))),
        np.where(best > 0, best, rho),
        known_error,
        _median(best, static_weight),
        np.maximum(-rho / error, 0),
        behind,
    )


def _triangulated(views: Sequence[_View]) -> tuple[FloatArray, FloatArray]:
    """Return the inverse depths (h, w) that flow implies, and the inverse of their variance, where
    flow is as exact as tracks are."""
    equations = [each.equation() for each in views]
    rho = np.zeros_like(equations[0][0])
    power = rho
    for _ in range(2):  # the weight of an equation depends on the depth
        power, along = np.full_like(rho, LEAST_INFORMATION), np.zeros_like(rho)
        for view, (square, product) in zip(views, equations, strict=True):
            weight = 1 / (np.float32(view.spread) * view.depth_ratio(rho)) ** 2
            power += weight * square
            along += weight * product
        rho = np.clip(along / power, -MAX_INVERSE_DEPTH, MAX_INVERSE_DEPTH)
    return rho, power


def _square(residuals: Sequence[FloatArray], spreads: Sequence[float]) -> FloatArray:
    """Return (h, w) the sum of squares of residuals (h, w, 2) in spreads."""
    total = np.zeros(residuals[0].shape[:2], np.float32)
    for residual, spread in zip(residuals, spreads, strict=True):
        x, y = cv2.split(residual)
        total += (x * x + y * y) * np.float32(1 / spread**2)
    return total


def _sampled(values: FloatArray) -> Float64Array:
    """Return some of the pixels (h, w, ...) in a list (N, ...)."""
    height, width = values.shape[:2]
    step = max(1, round((height * width / SAMPLED) ** 0.5))
    some = values[step // 2 :: step, step // 2 :: step]
    return some.reshape(-1, *values.shape[2:]).astype(np.float64)


def _spread(residual: FloatArray, static_weight: FloatArray) -> float:
    """Return the standard deviation of a component of the residuals (h, w, 2) of static pixels."""
    x, y = _sampled(residual).T
    middle = weighted_quantile(np.hypot(x, y), _sampled(static_weight), 0.5)
    return max(float(middle) / RAYLEIGH_MEDIAN, NOISE_PX)


def _median(rho: FloatArray, static_weight: FloatArray) -> float:
    """Return the median inverse depth of static pixels, above 0."""
    values = _sampled(rho)
    return float(weighted_quantile(values, _sampled(static_weight) * (values > 0), 0.5)) or 1.0


def _behind_ground(
    ground: GroundPlane, rays: Rays, rho: FloatArray, error: FloatArray
) -> FloatArray:
    """Return (h, w) by how many standard errors still pixels would lie behind the ground."""
    directions = rays.directions[:2].T.reshape(*rays.shape, 2).astype(np.float64)
    behind = ground.behind(directions, rho.astype(np.float64), error.astype(np.float64))
    return np.asarray(behind, np.float32)
