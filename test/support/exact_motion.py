"""Exact motion between two frames of a synthetic scene."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.truth import GroundTruth, SurfaceTracks


def exact_track(
    truth: GroundTruth, xy_px: npt.ArrayLike, frame: int, other_frame: int
) -> SurfaceTracks:
    """Follow points (N, 2) of one frame to another: positions (N, 2) and visibility (N,)."""
    tracks = truth.tracks(xy_px, frame, [other_frame])
    return SurfaceTracks(tracks.xy_px[0], tracks.visible[0])


def exact_flow(truth: GroundTruth, frame: int, other_frame: int) -> SurfaceTracks:
    """Displacement (H, W, 2) of every pixel as xy_px, and visibility (H, W) of its end."""
    camera = truth.scene.camera
    shape = (camera.height, camera.width)
    grid = np.indices(shape)[::-1].reshape(2, -1).T.astype(np.float64)
    moved = exact_track(truth, grid, frame, other_frame)
    return SurfaceTracks((moved.xy_px - grid).reshape(*shape, 2), moved.visible.reshape(shape))
