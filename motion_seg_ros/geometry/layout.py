"""Results of fits to a scene, laid out for all tracks and frames of the window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion_seg_ros.camera import Camera, Float64Array
from motion_seg_ros.geometry.fits import Fit
from motion_seg_ros.geometry.ground import GroundPlane
from motion_seg_ros.geometry.motion import Mode, Motion, Parallax, WindowGeometry
from motion_seg_ros.geometry.scene import Scene
from motion_seg_ros.types import BoolArray, Tracks


@dataclass(frozen=True, eq=False)
class _Layout:
    """Places of a scene's tracks and frames among the `shape` (T, N) of the window's."""

    scene: Scene
    shape: tuple[int, int]

    def judged(self) -> BoolArray:
        """Mask (T, N) of the frames and tracks of the scene."""
        judged = np.zeros(self.shape, bool)
        judged[np.ix_(self.scene.frames, self.scene.now)] = True
        return judged

    def of_frames(self, values: Float64Array, fill: Float64Array | float) -> Float64Array:
        """Spread values (K, ...) over the frames."""
        whole = np.broadcast_to(fill, (self.shape[0], *values.shape[1:])).copy()
        whole[self.scene.frames] = values
        return whole

    def of_tracks(self, values: Float64Array, fill: float = np.nan) -> Float64Array:
        """Spread values (M,) over the tracks."""
        whole = np.full(self.shape[1], fill)
        whole[self.scene.now] = values
        return whole

    def motion(self, fit: Fit) -> Motion:
        """Lay out a fit."""
        judged = self.judged()
        residual = np.zeros((*self.shape, 2))
        for i in (0, 1):
            residual[..., i][judged] = fit.residual[:, i].ravel()
        parallax = None
        if fit.parallax is not None:
            lengths = np.zeros((2, *self.shape))
            lengths[0][judged] = fit.parallax.across.ravel()
            lengths[1][judged] = fit.parallax.along.ravel()
            epipole = self.of_frames(fit.parallax.epipole, np.nan)
            parallax = Parallax(epipole, self.of_frames(fit.parallax.spread, np.nan), *lengths)
        return Motion(
            self.of_frames(fit.linear, np.eye(3)),
            self.of_frames(fit.translation, 0.0),
            self.of_frames(fit.bend, 0.0),
            self.of_frames(fit.spread, np.nan),
            residual,
            self.of_tracks(fit.misfit),
            parallax,
        )


def of_window(
    tracks: Tracks,
    camera: Camera,
    scene: Scene,
    mode: Mode,
    flat: Fit,
    rigid: Fit | None,
    ground: GroundPlane | None,
) -> WindowGeometry:
    """Return the geometry of a window.

    Args:
        tracks: over it.
        camera: intrinsics of its frames.
        scene: the tracks and frames that were judged.
        mode: the model that holds.
        flat: homographies.
        rigid: poses, if there are any.
        ground: in the coordinates and scale of the poses.
    """
    layout = _Layout(scene, tracks.visible.shape)
    depth = flat if rigid is None else rigid
    height, behind, off = np.full(len(tracks), np.nan), np.zeros(len(tracks)), None
    if ground is not None:
        directions = scene.seen.newest.T
        height = layout.of_tracks(ground.heights(directions, depth.rho, depth.error)[0])
        behind = layout.of_tracks(ground.behind(directions, depth.rho, depth.error), 0.0)
    if scene.measured is not None and rigid is not None:
        value, deviation = scene.measured
        off = layout.of_tracks((rigid.rho - value) / np.hypot(rigid.error, deviation))
    return WindowGeometry(
        camera,
        mode,
        None,
        layout.motion(flat),
        None if rigid is None else layout.motion(rigid),
        layout.of_tracks(depth.rho),
        layout.of_tracks(depth.error),
        height,
        behind,
        layout.of_tracks((scene.seen.weight > 0).sum(axis=0).astype(np.float64), 0.0),
        ground,
        scene.measured is not None,
        off,
    )
