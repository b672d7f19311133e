"""Channels of the track transformer: the evidence about each track in the geometry of a window.

Fitting a camera motion to a thousand noisy tracks is what robust statistics do well and a small
network does badly; the network learns which residuals give a moving track away, and when to
believe them.
"""

from __future__ import annotations

import numpy as np

from motion_seg_ros.camera import Float64Array
from motion_seg_ros.geometry.bundle import mapped
from motion_seg_ros.geometry.motion import Mode, Motion, WindowGeometry
from motion_seg_ros.geometry.scene import REFERENCE_SIDE_PX
from motion_seg_ros.labelling.neighbours import means_about
from motion_seg_ros.labelling.track_depth import relative_depth
from motion_seg_ros.types import FloatArray, Int64Array, Tracks

# The shipped weights were trained with all of these; set by hand.
GAPS = (1, 3, 7, 15)  # frames
CHANNELS_PER_GAP = 11
CHANNELS_PER_TRACK = 15
NEAR_PX = (40.0, 120.0)  # reference pixels; sides of the squares that neighbours are in
NEAR_GAPS = (1, 2)  # places in GAPS
_RESIDUALS = (1, 2, 7, 8)  # of a gap: x and y, to homographies and to poses
_AVERAGED = (0, 1, 6, 11, 14)  # of a track: two misfits, below 0, behind the ground, off the sensor
CHANNELS_OF_NEAR = 1 + len(_AVERAGED) + len(_RESIDUALS) * len(NEAR_GAPS)
_OF_TRACKS = CHANNELS_PER_GAP * len(GAPS)
_OF_NEAR = tuple(
    _OF_TRACKS + CHANNELS_PER_TRACK + CHANNELS_OF_NEAR * each for each in range(len(NEAR_PX))
)
GEOMETRY_CHANNELS = _OF_TRACKS + CHANNELS_PER_TRACK + CHANNELS_OF_NEAR * len(NEAR_PX)
SIDEWAYS = (
    *(CHANNELS_PER_GAP * gap + each for gap in range(len(GAPS)) for each in (1, 7)),
    *(
        near + place
        for near in _OF_NEAR
        for place in range(1 + len(_AVERAGED), CHANNELS_OF_NEAR, 2)
    ),
)
"""Channels whose sign changes in a mirrored image."""
LOG_LENGTHS = tuple(CHANNELS_PER_GAP * gap + each for gap in range(len(GAPS)) for each in (3, 4, 9))
LOG_SPREADS = tuple(
    CHANNELS_PER_GAP * gap + each for gap in range(len(GAPS)) for each in (5, 6, 10)
)
LOG_MISFITS = (_OF_TRACKS, _OF_TRACKS + 1)
NEAR_MISFITS = tuple(tuple(near + each for near in _OF_NEAR) for each in (1, 2))
"""Channels of residuals in spreads, of those spreads in the same order, of misfits, and for each of
those of its means over neighbours."""
RESIDUAL_SCALE_PX = 0.5  # reference pixels; asinh is linear below and logarithmic above
LOG_OFFSET = 0.1
LIMIT = 10.0
TELLING = 2.0  # standard errors from which an implied inverse depth counts as known


def geometry_channels(geometry: WindowGeometry, tracks: Tracks) -> FloatArray:
    """Return the channels (N, GEOMETRY_CHANNELS) float32 of tracks; all 0 for hidden ones.

    For each gap of GAPS, 0 where the track does not span it: 1; residual x and y to the
    homographies as asinh, its log lengths across and along the lines of the parallax in spreads,
    the two log spreads; residual x and y to the poses, its log length in spreads, the log spread.
    Then: log misfit to homographies and to poses; 1 where there are poses; 1 in mode RIGID; inverse
    depth; the same in standard errors, and how far below 0; log displacement that the travel makes
    of it; number of frames; 1 where there is a ground; height over it; log standard errors behind
    it; 1 in mode UNKNOWN; 1 where a sensor measured depth; standard errors off that, as asinh.

    Then for each of NEAR_PX: log number of the other tracks in a square of that side about a track,
    and means over them: log misfit to homographies and to poses, how far below 0, behind the
    ground and off the measured depth; for the gaps of NEAR_GAPS residual x and y to either.

    Args:
        geometry: of the window.
        tracks: over it.
    """
    now = np.flatnonzero(tracks.visible[-1])
    pixels = geometry.camera.focal_px * REFERENCE_SIDE_PX / max(geometry.camera.size)
    parts = [_gap_channels(geometry, tracks, now, gap, pixels) for gap in GAPS]
    found = np.zeros((len(now), CHANNELS_PER_TRACK))
    if geometry.flat is not None:
        found[:, 0] = np.log(geometry.flat.misfit[now] + LOG_OFFSET)
    if geometry.rigid is not None:
        inverse_depth = geometry.inverse_depth[now]
        certain = inverse_depth / geometry.inverse_depth_error[now]
        found[:, 1] = np.log(geometry.rigid.misfit[now] + LOG_OFFSET)
        found[:, 2] = 1
        found[:, 3] = geometry.mode is Mode.RIGID
        found[:, 4] = np.arcsinh(inverse_depth)
        found[:, 5] = np.arcsinh(certain)
        found[:, 6] = np.minimum(certain, 0)
        moved = _parallax(geometry, geometry.rigid, tracks, now)
        found[:, 7] = np.log(moved * pixels + LOG_OFFSET)
    found[:, 8] = geometry.frames[now] / 16
    if geometry.ground is not None:
        found[:, 9] = 1
        found[:, 10] = np.arcsinh(geometry.height[now])
        found[:, 11] = np.log1p(geometry.behind_ground[now])
    found[:, 12] = geometry.mode is Mode.UNKNOWN
    if geometry.off_sensed is not None:
        off = geometry.off_sensed[now]
        found[:, 13] = np.isfinite(off)
        found[:, 14] = np.arcsinh(np.nan_to_num(off))
    near = _near_channels(geometry, tracks.xy_px[-1, now], parts, found)
    values = np.clip(np.concatenate([*parts, found, *near], axis=1), -LIMIT, LIMIT)
    channels = np.zeros((len(tracks), GEOMETRY_CHANNELS), np.float32)
    channels[now] = np.where(np.isnan(values), 0, values)
    return channels


def implied_depth(geometry: WindowGeometry, tracks: Tracks) -> FloatArray:
    """Return the depth (T, N) that the camera's travel implies, 0 the nearest to 1 the farthest of
    these tracks; NaN where a track is hidden or its depth unknown."""
    if geometry.rigid is None or not (geometry.mode is Mode.RIGID or geometry.metric):
        return np.full(tracks.visible.shape, np.nan, np.float32)
    known = np.flatnonzero(geometry.inverse_depth > TELLING * geometry.inverse_depth_error)
    rho = geometry.inverse_depth[known]
    rotated = mapped(geometry.rigid.linear, _directions(geometry, tracks, known))
    depth_ratio = rotated[:, 2] + rho * geometry.rigid.translation[:, 2:]
    there = tracks.visible[:, known] & (depth_ratio > 0)
    there[:-1] &= geometry.rigid.known[:-1, None]
    inverse = np.full(tracks.visible.shape, np.nan, np.float32)
    inverse[:, known] = np.where(there, rho / depth_ratio, np.nan)
    return relative_depth(inverse)


def _gap_channels(
    geometry: WindowGeometry, tracks: Tracks, now: Int64Array, gap: int, pixels: float
) -> Float64Array:
    """Return (M, CHANNELS_PER_GAP) of the tracks at `now` (M,), in the frame `gap` frames before
    the newest."""
    found = np.zeros((len(now), CHANNELS_PER_GAP))
    if geometry.flat is None or gap >= len(tracks.visible) or not geometry.flat.known[-1 - gap]:
        return found
    spans = tracks.visible[-1 - gap, now]
    found[:, 0] = 1
    flat, parallax = geometry.flat, geometry.flat.parallax
    assert parallax is not None
    sides = ((parallax.across, flat.spread), (parallax.along, parallax.spread))
    found[:, 1:3] = np.arcsinh(flat.residual[-1 - gap, now] * (pixels / RESIDUAL_SCALE_PX))
    for place, (length, spread) in enumerate(sides):
        found[:, 3 + place] = np.log(length[-1 - gap, now] / spread[-1 - gap] + LOG_OFFSET)
        found[:, 5 + place] = np.log(spread[-1 - gap] * pixels)
    if geometry.rigid is not None:
        residual, deviation = (
            geometry.rigid.residual[-1 - gap, now],
            geometry.rigid.spread[-1 - gap],
        )
        found[:, 7:9] = np.arcsinh(residual * (pixels / RESIDUAL_SCALE_PX))
        found[:, 9] = np.log(np.linalg.norm(residual, axis=1) / deviation + LOG_OFFSET)
        found[:, 10] = np.log(deviation * pixels)
    found[~spans] = 0
    return found


def _near_channels(
    geometry: WindowGeometry, xy_px: FloatArray, gaps: list[Float64Array], found: Float64Array
) -> list[Float64Array]:
    """Return (M, CHANNELS_OF_NEAR) for each of NEAR_PX: means of other channels over the tracks in
    a square of that side."""
    residuals = [
        np.where(gaps[each][:, :1] > 0, gaps[each][:, _RESIDUALS], np.nan) for each in NEAR_GAPS
    ]
    values = np.concatenate([np.ones((len(found), 1)), found[:, _AVERAGED], *residuals], axis=1)
    near = []
    for side in NEAR_PX:
        square = side * max(geometry.camera.size) / REFERENCE_SIDE_PX
        mean, count = means_about(values, xy_px, geometry.camera.size, square)
        near.append(np.concatenate([np.log1p(count[:, :1]), mean[:, 1:]], axis=1))
    return near


def _parallax(
    geometry: WindowGeometry, rigid: Motion, tracks: Tracks, now: Int64Array
) -> Float64Array:
    """Return the displacement (M,) that the camera's travel makes of the implied inverse depth of
    the tracks at `now` (M,), at the frame of the window where it is largest."""
    rotated = mapped(rigid.linear, _directions(geometry, tracks, now))
    q = rotated + np.maximum(geometry.inverse_depth[now], 0) * rigid.translation[..., None]
    far = rotated[:, :2] / np.maximum(rotated[:, 2:], LOG_OFFSET)
    near = q[:, :2] / np.maximum(q[:, 2:], LOG_OFFSET)
    moved = np.hypot(*(near - far).transpose(1, 0, 2))
    there = tracks.visible[:, now] & rigid.known[:, None]
    return np.asarray(np.where(there, moved, 0).max(axis=0))


def _directions(geometry: WindowGeometry, tracks: Tracks, some: Int64Array) -> Float64Array:
    """Return x, y (2, M) of the newest directions of the tracks at `some` (M,)."""
    return geometry.camera.normalised(tracks.xy_px[-1, some]).T
