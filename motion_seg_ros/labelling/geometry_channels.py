"""Channels of the track transformer: the evidence about each track in the geometry of a window.

Fitting a camera motion to a thousand noisy tracks is what robust statistics do well and a small
network does badly; the network learns which residuals give a moving track away, and when to
believe them.
"""

from __future__ import annotations

import numpy as np

from motion_seg_ros.camera import Float64Array
from motion_seg_ros.geometry.motion import Mode, Motion, WindowGeometry
from motion_seg_ros.geometry.scene import REFERENCE_SIDE_PX
from motion_seg_ros.labelling.neighbours import means_about
from motion_seg_ros.labelling.track_depth import relative_depth
from motion_seg_ros.types import FloatArray, Tracks

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
    count = len(tracks)
    pixels = geometry.camera.focal_px * REFERENCE_SIDE_PX / max(geometry.camera.size)
    parts = [_gap_channels(geometry, tracks, gap, pixels) for gap in GAPS]
    found = np.zeros((count, CHANNELS_PER_TRACK))
    if geometry.flat is not None:
        found[:, 0] = np.log(geometry.flat.misfit + LOG_OFFSET)
    if geometry.rigid is not None:
        certain = geometry.inverse_depth / geometry.inverse_depth_error
        found[:, 1] = np.log(geometry.rigid.misfit + LOG_OFFSET)
        found[:, 2] = 1
        found[:, 3] = geometry.mode is Mode.RIGID
        found[:, 4] = np.arcsinh(geometry.inverse_depth)
        found[:, 5] = np.arcsinh(certain)
        found[:, 6] = np.minimum(certain, 0)
        found[:, 7] = np.log(_parallax(geometry, tracks) * pixels + LOG_OFFSET)
    found[:, 8] = geometry.frames / 16
    if geometry.ground is not None:
        found[:, 9] = 1
        found[:, 10] = np.arcsinh(geometry.height)
        found[:, 11] = np.log1p(geometry.behind_ground)
    found[:, 12] = geometry.mode is Mode.UNKNOWN
    if geometry.off_sensed is not None:
        found[:, 13] = np.isfinite(geometry.off_sensed)
        found[:, 14] = np.arcsinh(np.nan_to_num(geometry.off_sensed))
    near = [_near_channels(geometry, tracks, parts, found, side) for side in NEAR_PX]
    channels = np.concatenate([*parts, found, *near], axis=1)
    channels[~tracks.visible[-1]] = 0
    return np.asarray(np.clip(np.nan_to_num(channels), -LIMIT, LIMIT), np.float32)


def implied_depth(geometry: WindowGeometry, tracks: Tracks) -> FloatArray:
    """Return the depth (T, N) that the camera's travel implies, 0 the nearest to 1 the farthest of
    these tracks; NaN where a track is hidden or its depth unknown."""
    if geometry.rigid is None or not (geometry.mode is Mode.RIGID or geometry.metric):
        return np.full(tracks.visible.shape, np.nan, np.float32)
    rho = geometry.inverse_depth
    known = rho > TELLING * geometry.inverse_depth_error
    rotated, shift = _towards(geometry, geometry.rigid, tracks)
    depth_ratio = rotated[..., 2] + np.where(known, rho, 0.0) * shift[..., 2]
    inverse = np.where(known & tracks.visible & (depth_ratio > 0), rho / depth_ratio, np.nan)
    unknown = ~geometry.rigid.known
    unknown[-1] = False
    inverse[unknown] = np.nan
    return relative_depth(np.asarray(inverse, np.float32))


def _gap_channels(
    geometry: WindowGeometry, tracks: Tracks, gap: int, pixels: float
) -> Float64Array:
    """Return (N, CHANNELS_PER_GAP) of the frame `gap` frames before the newest."""
    found = np.zeros((len(tracks), CHANNELS_PER_GAP))
    if geometry.flat is None or gap >= len(tracks.visible) or not geometry.flat.known[-1 - gap]:
        return found
    spans = tracks.visible[-1] & tracks.visible[-1 - gap]
    found[:, 0] = 1
    flat, parallax = geometry.flat, geometry.flat.parallax
    assert parallax is not None
    sides = ((parallax.across, flat.spread), (parallax.along, parallax.spread))
    found[:, 1:3] = np.arcsinh(flat.residual[-1 - gap] * (pixels / RESIDUAL_SCALE_PX))
    for place, (length, spread) in enumerate(sides):
        found[:, 3 + place] = np.log(length[-1 - gap] / spread[-1 - gap] + LOG_OFFSET)
        found[:, 5 + place] = np.log(spread[-1 - gap] * pixels)
    if geometry.rigid is not None:
        residual, deviation = geometry.rigid.residual[-1 - gap], geometry.rigid.spread[-1 - gap]
        found[:, 7:9] = np.arcsinh(residual * (pixels / RESIDUAL_SCALE_PX))
        found[:, 9] = np.log(np.linalg.norm(residual, axis=1) / deviation + LOG_OFFSET)
        found[:, 10] = np.log(deviation * pixels)
    found[~spans] = 0
    return found


def _near_channels(
    geometry: WindowGeometry,
    tracks: Tracks,
    gaps: list[Float64Array],
    found: Float64Array,
    side: float,
) -> Float64Array:
    """Return (N, CHANNELS_OF_NEAR): means of other channels over the tracks in a square."""
    there = np.where(tracks.visible[-1], 1.0, np.nan)[:, None]
    residuals = [
        np.where(gaps[each][:, :1] > 0, gaps[each][:, _RESIDUALS], np.nan) for each in NEAR_GAPS
    ]
    mean, count = means_about(
        np.concatenate([there, found[:, _AVERAGED], *residuals], axis=1) * there,
        tracks.xy_px[-1],
        geometry.camera.size,
        side * max(geometry.camera.size) / REFERENCE_SIDE_PX,
    )
    return np.concatenate([np.log1p(count[:, :1]), mean[:, 1:]], axis=1)


def _parallax(geometry: WindowGeometry, tracks: Tracks) -> Float64Array:
    """Return the displacement (N,) that the camera's travel makes of the implied inverse depth, at
    the frame of the window where it is largest."""
    assert geometry.rigid is not None
    rotated, shift = _towards(geometry, geometry.rigid, tracks)
    q = rotated + np.maximum(geometry.inverse_depth, 0)[:, None] * shift
    far = rotated[..., :2] / np.maximum(rotated[..., 2:], LOG_OFFSET)
    near = q[..., :2] / np.maximum(q[..., 2:], LOG_OFFSET)
    moved = np.linalg.norm(near - far, axis=2)
    moved[~geometry.rigid.known] = 0
    return np.asarray(np.where(tracks.visible, moved, 0).max(axis=0))


def _towards(
    geometry: WindowGeometry, motion: Motion, tracks: Tracks
) -> tuple[Float64Array, Float64Array]:
    """Return linear[k] n (T, N, 3) of the tracks' directions and translation (T, 1, 3)."""
    directions = geometry.camera.normalised(tracks.xy_px[-1])
    rays = np.concatenate([directions, np.ones((len(directions), 1))], axis=1)
    return rays @ motion.linear.transpose(0, 2, 1), motion.translation[:, None]
