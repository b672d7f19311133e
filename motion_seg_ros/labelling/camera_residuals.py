"""Residuals of tracks to fitted camera motions, an input of the track transformer.

Fitting a camera motion to a thousand noisy displacements is what robust statistics do well and a
small network does badly; the network learns which residuals give a moving track away.
"""

from __future__ import annotations

import numpy as np

from motion_seg_ros.geometry.camera_motion import fit_camera_motion
from motion_seg_ros.labelling.abstention import MIN_TRACKS
from motion_seg_ros.types import FloatArray, Tracks

# The shipped weights were trained with all of these; set by hand.
REFERENCE_SIDE_PX = 427  # longer image side in which residuals are measured: half of DAVIS's 854 px
GAPS = (1, 3, 7, 15)  # frames
CHANNELS_PER_GAP = 8
RESIDUAL_CHANNELS = CHANNELS_PER_GAP * len(GAPS)
NOISE_PX = 0.1  # least spread assumed of static tracks
BORDER_SHARE = 0.12  # of the image side: nearer to the border most tracks are static
LOG_OFFSET = 0.1


def camera_residuals(tracks: Tracks, size: tuple[int, int]) -> FloatArray:
    """Compute residuals of tracks to the camera motion between the newest frame and earlier ones.

    Args:
        tracks: over T frames, the newest last.
        size: h, w of the image in pixels.

    Returns:
        (N, RESIDUAL_CHANNELS) float32, for each gap of GAPS: 1 where the track spans the gap;
        residual x and y as asinh of half reference pixels; log disagreement across and along the
        epipolar lines, in spreads; log spread across and along, in reference pixels; share of the
        tracks that span the gap. All 0 where the track does not span the gap.
    """
    residuals = np.zeros((len(tracks), len(GAPS), CHANNELS_PER_GAP), np.float32)
    scale = np.float32(REFERENCE_SIDE_PX / max(size))
    working = (round(size[0] * scale), round(size[1] * scale))
    for index, gap in enumerate(GAPS):
        if gap >= len(tracks.visible):
            break
        both = tracks.visible[-1] & tracks.visible[-1 - gap]
        if np.count_nonzero(both) < MIN_TRACKS:
            continue
        xy = tracks.xy_px[-1, both] * scale
        moved = tracks.xy_px[-1 - gap, both] * scale - xy
        motion = fit_camera_motion(xy, moved, border_prior(xy, working), working)
        if motion is None:
            continue
        residual = moved - motion.displacement(xy)
        across, along = motion.components(xy, residual)
        spread_across = max(motion.sigma_across_px, NOISE_PX)
        spread_along = max(motion.sigma_along_px, NOISE_PX)
        found = residuals[both, index]
        found[:, 0] = 1
        found[:, 1:3] = np.arcsinh(2 * residual)
        found[:, 3] = np.log(across / spread_across + LOG_OFFSET)
        found[:, 4] = np.log(along / spread_along + LOG_OFFSET)
        found[:, 5] = np.log(spread_across)
        found[:, 6] = np.log(spread_along)
        found[:, 7] = np.count_nonzero(both) / len(both)
        residuals[both, index] = found
    return residuals.reshape(len(tracks), RESIDUAL_CHANNELS)


def border_prior(xy: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Return the prior (N,) that points (N, 2) of an image of `size` (h, w) are static, in [0, 1].

    It is higher towards the border, where there are fewer moving objects.
    """
    height, width = size
    edge = np.minimum(xy, np.array([width - 1, height - 1], np.float32) - xy)
    nearness = np.exp(-(edge / np.array([width, height], np.float32)).min(axis=1) / BORDER_SHARE)
    return np.asarray(0.35 + 0.65 * nearness, np.float32)
