"""Camera motion over a window of tracks, kept and refined from window to window."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.camera import Camera, Float64Array
from motion_seg_ros.geometry.bundle import Observations, Poses, adjust, seen_at, triangulate
from motion_seg_ros.geometry.directions import Directions
from motion_seg_ros.geometry.fits import NOISE_PX, Fit, misfit_of
from motion_seg_ros.geometry.ground import GroundPlane, find_ground
from motion_seg_ros.geometry.layout import of_window
from motion_seg_ros.geometry.motion import Mode, WindowGeometry
from motion_seg_ros.geometry.scene import MIN_TRACKS, Scene
from motion_seg_ros.geometry.starts import (
    Kept,
    Start,
    from_depth,
    from_epipolar_geometry,
)
from motion_seg_ros.geometry.statistics import spread_of, weighted_quantile
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array, Tracks
from motion_seg_ros.window import Window

# Set by hand; lengths are in reference pixels, see scene.REFERENCE_SIDE_PX.
LARGEST_NOISE_PX = 1.0  # assumed before poses are known
LARGEST_SPREAD_PX = 12.0  # of a model in the frame that it fits best; beyond, it has failed
NEW_BELIEF = 0.5
LEAST_BELIEF = 0.1
COLD_ITERATIONS, WARM_ITERATIONS, FINAL_ITERATIONS = 6, 1, 2
FITTING_SPREADS = 3.0  # of a track that fits
TYPICAL_QUANTILE = 0.85  # of inverse depths, that is set to 1
# The mode:
PARALLAX_PX = 0.5  # residual to homographies of a track that shows depth
PARALLAX_SPREADS = 2.5  # the same, in its residual to the poses
PARALLAX_SHARE = 0.3  # of the image with such tracks, above which the scene is not one plane
# The search for poses:
COLD_REJECTIONS = 3  # rounds of leaving out what misfits; in a stream there is one a frame
HYPOTHESES = 2  # motions compared: the world, and what moves before it
SEARCH_INTERVAL = 4  # frames between two searches while less than DOUBTFUL_FIT fits
DOUBTFUL_FIT = 0.7  # share of the area
CHANGE_FACTOR = 1.1  # by which another motion must explain more
LEAST_FIT = 0.3  # share of the belief in tracks that fit, below which poses are given up


class CameraMotionEstimator:
    """Fits the motion of the static world to the tracks of each window.

    Two models are fitted: a homography to each earlier frame, and poses with an inverse depth for
    each track. The second is the mode where the first misfits over much of the image.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._directions = Directions()
        self._kept: Kept | None = None
        self._plane: GroundPlane | None = None
        self._ids: Int64Array = np.zeros(0, np.int64)
        self._belief: Float64Array = np.zeros(0)

    def update(
        self,
        tracks: Tracks,
        camera: Camera,
        index: int,
        measured: tuple[FloatArray, FloatArray] | None = None,
    ) -> WindowGeometry:
        """Return the geometry of the window that ends at a frame.

        Args:
            tracks: over T frames, the newest last.
            camera: intrinsics of the frames.
            index: of the newest frame within the stream.
            measured: inverse depth (N,) in 1/m of the tracks in the newest frame and its standard
                error (N,), NaN where unknown; None without a depth sensor.
        """
        scene = Scene.of(tracks, camera, index, measured, self._recalled, self._directions)
        if scene is None:
            self.reset()
            reason = f"fewer than {MIN_TRACKS} tracks last from one frame to another"
            return WindowGeometry.unknown(camera, len(tracks), reason)
        flat = Fit.flat(scene)
        rigid = self._rigid(scene, flat)
        mode = Mode.HOMOGRAPHY
        if rigid is not None and _has_depth(scene, flat, rigid):
            mode = Mode.RIGID
        chosen = rigid if rigid is not None and mode is Mode.RIGID else flat
        spread_px = float(chosen.spread.min() * camera.focal_px)
        if spread_px > LARGEST_SPREAD_PX * scene.pixel * camera.focal_px:
            self.reset()
            reason = f"no common camera motion: the tracks disagree by {spread_px:.0f} px"
            return WindowGeometry.unknown(camera, len(tracks), reason)
        belief = 1 / (1 + (np.nan_to_num(chosen.misfit) / FITTING_SPREADS) ** 2) ** 2
        self._ids, self._belief = scene.ids, np.maximum(belief, LEAST_BELIEF)
        self._keep(scene, rigid)
        return of_window(tracks, camera, scene, mode, flat, rigid, self._plane)

    def follow(
        self,
        window: Window,
        tracks: Tracks,
        measured: tuple[FloatArray, FloatArray] | None = None,
    ) -> WindowGeometry:
        """Return the geometry of a window, see `update`; without a calibration it is guessed."""
        newest = window.newest
        camera = Camera.guessed(newest.size) if newest.camera is None else newest.camera
        return self.update(tracks, camera, window.newest_index, measured)

    def _recalled(self, ids: Int64Array) -> Float64Array:
        """Return the belief (M,) of the last window that tracks are static."""
        if not len(self._ids):
            return np.ones(len(ids))
        place = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
        return np.where(self._ids[place] == ids, self._belief[place], NEW_BELIEF)

    def _rigid(self, scene: Scene, flat: Fit) -> Fit | None:
        """Return refined poses, or None where the camera is not seen to travel."""
        some, pixel = scene.some, scene.pixel
        seen, prior = scene.fitted, scene.prior[some]
        weighted = seen.weighted(prior)
        spread = np.clip(flat.spread, NOISE_PX * pixel, LARGEST_NOISE_PX * pixel)
        value = None
        if scene.measured is not None:
            value = scene.measured[0][some], scene.measured[1][some]
        found = None
        if self._kept is not None:
            start = self._kept.carried(scene, weighted, spread)
            if start is not None:
                found = adjust(*start, weighted, spread, iterations=WARM_ITERATIONS, measured=value)
        if found is None and value is not None and np.isfinite(value[0]).sum() >= MIN_TRACKS:
            start = from_depth(weighted, value, spread)
            found = adjust(*start, weighted, spread, iterations=COLD_ITERATIONS, measured=value)
        warm = found is not None
        doubtful = found is None or (
            value is None
            and scene.index % SEARCH_INTERVAL == 0
            and _explained(scene, found[0], spread) < DOUBTFUL_FIT
        )
        if doubtful and _parallax(flat.residual[..., some], prior) > PARALLAX_PX * pixel:
            found = _searched(scene, spread, found)
        if found is None:
            return None
        # What moves pulls at the poses even with a small weight: once more without it.
        for _ in range(1 if warm else COLD_REJECTIONS):
            if not warm:  # that of homographies counts parallax as noise
                spread = np.minimum(spread, _spread(scene, found))
            still = weighted.weighted(_explains(seen, found[0], spread))
            found = adjust(*found, still, spread, iterations=FINAL_ITERATIONS, measured=value)
        poses, _ = found
        spread = _spread(scene, found)
        scale = _typical(poses, seen, spread) if value is None else _off(poses, seen, spread, value)
        if not 1e-6 < scale < 1e6:
            return None
        poses = Poses(poses.rotation, poses.translation * scale)
        return Fit.rigid(scene, poses, spread)

    def _keep(self, scene: Scene, rigid: Fit | None) -> None:
        """Keep poses for the next window where they fit, and look for the ground."""
        before, self._kept, plane = self._kept, None, self._plane
        self._plane = None
        if rigid is None:
            return
        fits = scene.prior * (rigid.misfit < FITTING_SPREADS)
        if fits.sum() <= LEAST_FIT * scene.prior.sum():
            return
        poses = Poses(rigid.linear, rigid.translation)
        self._kept = Kept(
            scene.index, scene.ids, scene.seen.newest, rigid.rho, scene.indices, poses
        )
        if plane is not None and before is not None:
            plane = _carried_plane(plane, before, self._kept)
        some = scene.some  # a car with many tracks would pass for a surface below the ground
        belief = np.clip(FITTING_SPREADS / np.maximum(rigid.misfit[some], 1e-6) - 1, 0, 1)
        self._plane = find_ground(
            scene.seen.newest[:, some].T,
            rigid.rho[some],
            rigid.error[some],
            np.nan_to_num(belief),
            plane,
        )


def _carried_plane(plane: GroundPlane, before: Kept, now: Kept) -> GroundPlane | None:
    """Return the plane of the last window in the coordinates and scale of this one."""
    last = np.flatnonzero(now.indices == before.index)
    if not len(last):
        return None
    old = np.minimum(np.searchsorted(before.ids, now.ids), len(before.ids) - 1)
    both = (before.ids[old] == now.ids) & (before.rho[old] > 0) & (now.rho > 0)
    if both.sum() < MIN_TRACKS:
        return None
    rotation, translation = now.poses.rotation[last[0]], now.poses.translation[last[0]]
    x, y = now.newest[:, both]
    rho = now.rho[both]
    depth = (rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2]) / rho + translation[2]
    factor = float(np.median(depth * before.rho[old[both]]))
    if not 0 < factor < np.inf:
        return None
    return plane.scaled(factor).moved(rotation.T, -rotation.T @ translation)


def _searched(scene: Scene, spread: Float64Array, found: Start | None) -> Start | None:
    """Return the poses that explain most of the image's area, of the two motions that most tracks
    follow and of those `found` before; None where there are none."""
    seen, area = scene.fitted, scene.area[scene.some]
    tolerance = LARGEST_NOISE_PX * scene.pixel
    left = np.ones(len(area), bool)
    most = 0.0 if found is None else CHANGE_FACTOR * _explained(scene, found[0], spread)

    def tried(start: Start) -> Poses:
        nonlocal found, most
        still = seen.weighted(area * left)
        poses, rho = adjust(*start, still, spread, iterations=COLD_ITERATIONS)
        share = _explained(scene, poses, spread)
        if share > most:
            found, most = (poses, rho), share
        return poses

    for _ in range(HYPOTHESES):
        if left.sum() < MIN_TRACKS:
            break
        start = from_epipolar_geometry(seen.of(np.flatnonzero(left)), tolerance, spread)
        if start is None:
            break
        rho, _ = triangulate(start[0], seen, spread)
        poses = tried((start[0], np.maximum(rho, 0)))
        left &= ~_explains(seen, poses, spread)
    return found


def _spread(scene: Scene, found: Start) -> Float64Array:
    """Return the spread (K,) of the fitted tracks about poses."""
    seen = scene.fitted
    residual = seen.earlier - seen_at(found[0], seen.newest, found[1])
    return spread_of(residual, seen.weight * scene.area[scene.some], NOISE_PX * scene.pixel)


def _still(
    seen: Observations, poses: Poses, spread: Float64Array
) -> tuple[Float64Array, BoolArray]:
    """Return the inverse depths (N,) of points that stand still, and which points poses explain."""
    rho, _ = triangulate(poses, seen, spread)
    at = seen_at(poses, seen.newest, np.maximum(rho, 0))
    return rho, np.asarray(misfit_of(seen, at, spread, 1)[1] < FITTING_SPREADS)


def _explains(seen: Observations, poses: Poses, spread: Float64Array) -> BoolArray:
    """Return which points (N,) poses explain."""
    return _still(seen, poses, spread)[1]


def _explained(scene: Scene, poses: Poses, spread: Float64Array) -> float:
    """Return the share of the image's area that poses explain."""
    area = scene.area[scene.some]
    return float((area * _explains(scene.fitted, poses, spread)).sum() / area.sum())


def _typical(poses: Poses, seen: Observations, spread: Float64Array) -> float:
    """Return a high quantile of the inverse depths of the points that poses explain: a large sky,
    or hills as far, shall not set the scale."""
    rho, explained = _still(seen, poses, spread)
    in_front = rho[(rho > 0) & explained]
    return float(np.quantile(in_front, TYPICAL_QUANTILE)) if len(in_front) else 0.0


def _off(
    poses: Poses,
    seen: Observations,
    spread: Float64Array,
    measured: tuple[Float64Array, Float64Array],
) -> float:
    """Return the factor by which the implied inverse depths of the points that poses explain are
    off the measured ones: a bias of the tracks has set the scale, not the sensor."""
    value, deviation = measured
    rho, error = triangulate(poses, seen, spread)
    there = np.isfinite(value) & (value > 0) & (rho > 0) & _explains(seen, poses, spread)
    if there.sum() < MIN_TRACKS:
        return 1.0
    rho, error, value, deviation = (each[there] for each in (rho, error, value, deviation))
    certain = 1 / np.hypot(error / rho, deviation / value)
    return float(weighted_quantile(rho / value, certain, 0.5))


def _parallax(residual: Float64Array, prior: Float64Array) -> float:
    """Return the upper quartile over points of residuals (K, 2, N), each at its largest."""
    largest = np.sqrt((residual * residual).sum(axis=1).max(axis=0))
    return float(weighted_quantile(largest, prior, 0.75))


def _has_depth(scene: Scene, flat: Fit, rigid: Fit) -> bool:
    """Return True if homographies misfit over much of the image, and poses fit there."""
    some = scene.some
    flat_px, rigid_px = (
        np.sqrt(np.einsum("kin,kin->n", residual, residual) / len(residual)) / scene.pixel
        for residual in (each.residual.take(some, axis=2) for each in (flat, rigid))
    )
    better = flat_px > np.maximum(PARALLAX_SPREADS * rigid_px, PARALLAX_PX)
    area = scene.area[some]
    return bool((area * better).sum() > PARALLAX_SHARE * area.sum())
