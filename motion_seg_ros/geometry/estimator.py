"""Camera motion over a window of tracks, kept and refined from window to window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion_seg_ros.camera import Camera, Float64Array
from motion_seg_ros.geometry.bundle import (
    Observations,
    Poses,
    adjust,
    seen_at,
    triangulate,
)
from motion_seg_ros.geometry.homographies import fit_homographies, warped
from motion_seg_ros.geometry.motion import Misfit, Mode, Motion, WindowGeometry
from motion_seg_ros.geometry.starts import Kept, Start, from_depth, from_epipolar_geometry
from motion_seg_ros.geometry.statistics import spread_of, weighted_quantile
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array, Tracks

REFERENCE_SIDE_PX = 427  # longer image side in which lengths are measured: half of DAVIS's 854 px
# Set by hand; lengths are in reference pixels.
MIN_TRACKS = 30  # that two frames must share
FITTED_TRACKS = 300  # that take part in a fit, spread over the image
CELLS = (12, 16)  # of the image, over which they are spread
BORDER_SHARE = 0.12  # of the image side: nearer to the border most tracks are static
CENTRE_BELIEF = 0.35  # that a track in the middle of the image is static; 1 at the border
NEW_BELIEF = 0.5  # factor for a track that was not judged before
LEAST_BELIEF = 0.05
LEAST_TRUST = 0.1  # in a track that is seen
NOISE_PX = 0.1  # least spread assumed of static tracks
LARGEST_NOISE_PX = 1.0  # assumed before poses are known
PARALLAX_PX = 0.5  # residual to homographies of a track that shows depth
PARALLAX_SPREADS = 2.5  # the same, in its residual to the poses
PARALLAX_SHARE = 0.15  # of the belief in such tracks, above which the scene is not one plane
FLAT_ITERATIONS, COLD_ITERATIONS, WARM_ITERATIONS = 6, 6, 2
HYPOTHESES = 2  # motions compared: the world, and what moves before it
FITTING_SPREADS = 3.0  # of a track that fits
SEARCH_INTERVAL = 4  # frames between two searches where less than DOUBTFUL_FIT fits
DOUBTFUL_FIT = 0.7
CHANGE_FACTOR = 1.1  # by which another motion must explain more
LEAST_FIT = 0.3  # share of the belief in tracks that fit, below which poses are given up


@dataclass(frozen=True, eq=False)
class _Scene:
    """The tracks that are visible in the newest frame, as the fits take them.

    Attributes:
        now: (M,) their places among all tracks.
        ids: (M,).
        frames: (K,) places of the earlier frames that share enough of them.
        indices: (K,) of those frames within the stream.
        seen: of all M tracks in the K frames.
        area: (M,) share of the image that they stand for, more at the border.
        prior: (M,) the same, times the belief that they are static.
        some: (S,) those that take part in fits.
        pixel: a reference pixel in normalised coordinates.
        measured: inverse depth (M,) and its error (M,), or None.
    """

    now: Int64Array
    ids: Int64Array
    frames: Int64Array
    indices: Int64Array
    seen: Observations
    area: Float64Array
    prior: Float64Array
    some: Int64Array
    pixel: float
    measured: tuple[Float64Array, Float64Array] | None


@dataclass(frozen=True, eq=False)
class _Rigid:
    poses: Poses
    spread: Float64Array


class CameraMotionEstimator:
    """Fits the motion of the static world to the tracks of each window.

    Two models are fitted: a homography to each earlier frame, and poses with an inverse depth for
    each track. The second is the mode where the first misfits over much of the image.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._kept: Kept | None = None
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
        scene = self._scene(tracks, camera, index, measured)
        if scene is None:
            self.reset()
            reason = f"fewer than {MIN_TRACKS} tracks last from one frame to another"
            return WindowGeometry.unknown(camera, len(tracks), reason)
        some = scene.seen.of(scene.some)
        homographies, spread = fit_homographies(
            some, scene.prior[scene.some], NOISE_PX * scene.pixel, FLAT_ITERATIONS
        )
        flat = _misfit(scene.seen, warped(homographies, scene.seen.newest), spread, 0)
        rigid = self._rigid(scene, index, flat, spread)
        rho = np.full(len(scene.now), np.nan)
        error, deep = rho, None
        mode = Mode.HOMOGRAPHY
        if rigid is not None:
            rho, error = triangulate(rigid.poses, scene.seen, rigid.spread)
            at = seen_at(rigid.poses, scene.seen.newest, np.maximum(rho, 0))
            deep = _misfit(scene.seen, at, rigid.spread, 1)
            if _has_depth(scene, flat, deep):
                mode = Mode.RIGID
        chosen = deep if deep is not None and mode is Mode.RIGID else flat
        self._believe(scene, chosen)
        if rigid is not None and deep is not None:
            fits = scene.prior * (deep.spreads < FITTING_SPREADS)
            good = fits.sum() > LEAST_FIT * scene.prior.sum()
            self._kept = (
                Kept(index, scene.ids, scene.seen.newest, rho, scene.indices, rigid.poses)
                if good
                else None
            )
        return _geometry(tracks, camera, scene, mode, (homographies, spread, flat), rigid, deep, rho, error)

    def _scene(
        self,
        tracks: Tracks,
        camera: Camera,
        index: int,
        measured: tuple[FloatArray, FloatArray] | None,
    ) -> _Scene | None:
        now = np.flatnonzero(tracks.visible[-1])
        frames = np.flatnonzero(tracks.visible[:-1, now].sum(axis=1) >= MIN_TRACKS)
        if not len(frames):
            return None
        directions = camera.normalised(tracks.xy_px[:, now])
        known = np.isfinite(directions).all(axis=2)
        trusted = tracks.visible[:-1, now] & known[:-1] & known[-1]
        weight = np.maximum(tracks.confidence[:-1, now], LEAST_TRUST) * trusted
        place = np.nan_to_num(directions).transpose(0, 2, 1)
        seen = Observations(place[-1], place[frames], weight[frames].astype(np.float64))
        xy = tracks.xy_px[-1, now]
        some, area = _spread_out(xy, seen.weight.sum(axis=0), camera.size)
        area = area * _border_belief(xy, camera.size)
        return _Scene(
            now,
            tracks.ids[now],
            frames,
            frames - len(tracks.visible) + 1 + index,
            seen,
            area,
            area * self._recalled(tracks.ids[now]),
            some,
            max(camera.size) / REFERENCE_SIDE_PX / camera.focal_px,
            None
            if measured is None
            else (measured[0][now].astype(np.float64), measured[1][now].astype(np.float64)),
        )

    def _recalled(self, ids: Int64Array) -> Float64Array:
        """Return the belief (M,) of the last window that tracks are static."""
        if not len(self._ids):
            return np.ones(len(ids))
        place = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
        return np.where(self._ids[place] == ids, self._belief[place], NEW_BELIEF)

    def _believe(self, scene: _Scene, misfit: Misfit) -> None:
        belief = 1 / (1 + (np.nan_to_num(misfit.spreads) / FITTING_SPREADS) ** 2) ** 2
        self._ids, self._belief = scene.ids, np.maximum(belief, LEAST_BELIEF)

    def _rigid(
        self, scene: _Scene, index: int, flat: Misfit, flat_spread: Float64Array
    ) -> _Rigid | None:
        """Return the refined poses, or None where the camera is not seen to travel."""
        some, pixel = scene.some, scene.pixel
        seen, prior = scene.seen.of(some), scene.prior[some]
        seen = Observations(seen.newest, seen.earlier, seen.weight * prior)
        spread = np.clip(flat_spread, NOISE_PX * pixel, LARGEST_NOISE_PX * pixel)
        value = None
        if scene.measured is not None:
            value = scene.measured[0][some], scene.measured[1][some]
        found = None
        if self._kept is not None:
            start = self._kept.carried(scene.ids[some], index, scene.indices, seen, spread)
            if start is not None:
                found = adjust(*start, seen, spread, iterations=WARM_ITERATIONS, measured=value)
        if found is None and value is not None and np.isfinite(value[0]).sum() >= MIN_TRACKS:
            start = from_depth(seen, value, spread)
            found = adjust(*start, seen, spread, iterations=COLD_ITERATIONS, measured=value)
        doubtful = found is None or (
            value is None
            and index % SEARCH_INTERVAL == 0
            and _fitting(scene, *found, spread) < DOUBTFUL_FIT
        )
        if doubtful and _length(flat.residual[..., some], prior) > PARALLAX_PX * pixel:
            found = _searched(scene, spread, found)
        if found is None:
            return None
        poses, rho = found
        residual = seen.earlier - seen_at(poses, seen.newest, rho)
        spread = spread_of(residual, seen.weight, NOISE_PX * pixel)
        if value is None:
            scale = float(weighted_quantile(rho, prior * (rho > 0) + 1e-12, 0.5))
            if not 1e-6 < scale < 1e6:
                return None
            poses = Poses(poses.rotation, poses.translation * scale)
        return _Rigid(poses, spread)


def _searched(scene: _Scene, spread: Float64Array, found: Start | None) -> Start | None:
    """Return the poses of the motion that explains most of the image's area, of the two that most
    tracks follow and of those `found` before; None where there is none."""
    seen, area = scene.seen.of(scene.some), scene.area[scene.some]
    left = np.ones(len(area), bool)
    most = 0.0 if found is None else CHANGE_FACTOR * _fitting(scene, *found, spread)
    for _ in range(HYPOTHESES):
        if left.sum() < MIN_TRACKS:
            break
        start = from_epipolar_geometry(
            seen.of(np.flatnonzero(left)), LARGEST_NOISE_PX * scene.pixel, spread
        )
        if start is None:
            break
        weighted = Observations(seen.newest, seen.earlier, seen.weight * (area * left))
        rho, _ = triangulate(start[0], seen, spread)
        poses, rho = adjust(
            start[0], np.maximum(rho, 0), weighted, spread, iterations=COLD_ITERATIONS
        )
        share = _fitting(scene, poses, rho, spread)
        if share > most:
            found, most = (poses, rho), share
        left &= ~_fit(seen, poses, spread)
    return found


def _fit(seen: Observations, poses: Poses, spread: Float64Array) -> BoolArray:
    """Return which points (N,) poses explain."""
    rho, _ = triangulate(poses, seen, spread)
    at = seen_at(poses, seen.newest, np.maximum(rho, 0))
    return np.asarray(_misfit(seen, at, spread, 1).spreads < FITTING_SPREADS)


def _fitting(scene: _Scene, poses: Poses, _: Float64Array, spread: Float64Array) -> float:
    """Return the share of the image's area that poses explain."""
    area = scene.area[scene.some]
    fits = _fit(scene.seen.of(scene.some), poses, spread)
    return float((area * fits).sum() / area.sum())


def _border_belief(xy_px: FloatArray, size: tuple[int, int]) -> Float64Array:
    """Return the belief (M,) that tracks are static, by their distance from the border alone."""
    height, width = size
    edge = np.minimum(xy_px, np.array([width - 1, height - 1], np.float32) - xy_px)
    nearness = np.exp(-(edge / np.array([width, height])).min(axis=1) / BORDER_SHARE)
    return np.asarray(CENTRE_BELIEF + (1 - CENTRE_BELIEF) * np.minimum(nearness, 1))


def _spread_out(
    xy_px: FloatArray, length: Float64Array, size: tuple[int, int]
) -> tuple[Int64Array, Float64Array]:
    """Choose FITTED_TRACKS tracks (S,): the longest of each cell of the image, then the second
    longest, and so on; and return the area (M,) that each track would stand for among the chosen,
    in cells."""
    rows, columns = CELLS
    cell = np.clip(xy_px[:, 1] * rows / size[0], 0, rows - 1).astype(np.int64) * columns
    cell += np.clip(xy_px[:, 0] * columns / size[1], 0, columns - 1).astype(np.int64)
    order = np.lexsort((-length, cell))
    ordered = cell[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    chosen = np.sort(order[np.argsort(rank, kind="stable")[:FITTED_TRACKS]])
    count = np.bincount(cell[chosen], minlength=rows * columns)
    return chosen, 1 / np.maximum(count[cell], 1)


def _misfit(
    seen: Observations, at: Float64Array, spread: Float64Array, parameters: int
) -> Misfit:
    """Return the misfit of M tracks seen in K frames; residuals are (K, 2, M) here."""
    residual = np.where(seen.weight[:, None] > 0, seen.earlier - at, 0.0)
    square = (residual * residual).sum(axis=1) / spread[:, None] ** 2
    seen_in = (seen.weight > 0).sum(axis=0)
    freedom = 2 * seen_in - parameters
    spreads = np.sqrt(square.sum(axis=0) / np.maximum(freedom, 1))
    return Misfit(residual, np.where(seen_in > 0, spreads, np.nan))


def _length(residual: Float64Array, prior: Float64Array) -> float:
    """Return the upper quartile over tracks of residuals (K, 2, S), each at its largest."""
    largest = np.sqrt((residual * residual).sum(axis=1).max(axis=0))
    return float(weighted_quantile(largest, prior, 0.75))


def _has_depth(scene: _Scene, flat: Misfit, deep: Misfit) -> bool:
    """Return True if homographies misfit over much of the image, and poses fit there."""
    flat_px = np.sqrt((flat.residual**2).sum(axis=1).mean(axis=0)) / scene.pixel
    deep_px = np.sqrt((deep.residual**2).sum(axis=1).mean(axis=0)) / scene.pixel
    better = flat_px > np.maximum(PARALLAX_SPREADS * deep_px, PARALLAX_PX)
    prior, better = scene.prior[scene.some], better[scene.some]
    return bool((prior * better).sum() > PARALLAX_SHARE * prior.sum())


def _geometry(tracks, camera, scene, mode, flat, rigid, deep, rho, error) -> WindowGeometry:
    frames, count = len(tracks.visible), len(tracks)

    def over_frames(values, fill):
        whole = np.broadcast_to(fill, (frames, *values.shape[1:])).copy()
        whole[scene.frames] = values
        return whole

    def of_tracks(values, fill=np.nan):
        whole = np.full(count, fill)
        whole[scene.now] = values
        return whole

    def whole_misfit(misfit):
        residual = np.zeros((frames, count, 2))
        residual[np.ix_(scene.frames, scene.now)] = misfit.residual.transpose(0, 2, 1)
        return Misfit(residual, of_tracks(misfit.spreads))

    homographies, spread, flat_misfit = flat
    return WindowGeometry(
        camera,
        mode,
        None,
        Motion(over_frames(homographies, np.eye(3)), np.zeros((frames, 3)), over_frames(spread, np.nan)),
        None
        if rigid is None
        else Motion(
            over_frames(rigid.poses.rotation, np.eye(3)),
            over_frames(rigid.poses.translation, np.zeros(3)),
            over_frames(rigid.spread, np.nan),
        ),
        whole_misfit(flat_misfit),
        None if deep is None else whole_misfit(deep),
        of_tracks(rho),
        of_tracks(error),
        of_tracks((scene.seen.weight > 0).sum(axis=0), 0),
        scene.measured is not None,
    )
