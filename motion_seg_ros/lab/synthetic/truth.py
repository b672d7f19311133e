"""The exact motion of a scene's surface points, from its geometry and not from its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic.geometry import SceneGeometry, View
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.synthetic.surface_points import (
    SurfacePoints,
    in_camera,
    projected,
    surface_points,
)

Array = npt.NDArray[np.float64]
# A point is hidden by what is nearer than it by more than this share of its depth: round-off, not a
# gap.
_DEPTH_TOLERANCE = 1e-6


class PointTracks(NamedTuple):
    """Where surface points are in the image.

    Attributes:
        xy_px: float64 (..., 2), x right, y down, the centre of the top-left pixel at (0, 0); NaN
            for points behind the camera.
        visible: bool (...), inside the image and not hidden.
    """

    xy_px: Array
    visible: npt.NDArray[np.bool_]


class Truth:
    """Answers where any image point of one frame is in any other, and what moves.

    A point sticks to the surface it is seen on. Points of the sky turn with the camera and have no
    parallax. Answers are exact up to double precision and do not depend on nuisances.

    Args:
        scene: the scene.
        geometry: its geometry, where a renderer has set it up already.
    """

    def __init__(self, scene: Scene, geometry: SceneGeometry | None = None) -> None:
        self.scene = scene
        self._geometry = geometry or SceneGeometry(scene)

    def track(self, xy_px: npt.ArrayLike, frame: int, other_frame: int) -> PointTracks:
        """Follow points of one frame to another.

        Args:
            xy_px: (N, 2) positions in `frame`, inside the image.
            frame: index of the frame in which the points are given.
            other_frame: index of the frame in which they are wanted; earlier, later or the same.

        Returns:
            Positions (N, 2) and visibility (N,) in `other_frame`.

        Raises:
            InputError: a point lies outside the image, or the clip has no such frame.
        """
        tracks = self.tracks(xy_px, frame, [other_frame])
        return PointTracks(tracks.xy_px[0], tracks.visible[0])

    def tracks(self, xy_px: npt.ArrayLike, frame: int, frames: Sequence[int]) -> PointTracks:
        """`track` into T frames at once: positions (T, N, 2) and visibility (T, N)."""
        points = surface_points(self._geometry, self._view(frame), self._checked(xy_px))
        found = [self._seen(self._view(other), points) for other in frames]
        return PointTracks(
            np.array([xy for xy, _ in found]).reshape(len(found), -1, 2),
            np.array([visible for _, visible in found]).reshape(len(found), -1),
        )

    def deviations(self, xy_px: npt.ArrayLike, frame: int, frames: Sequence[int]) -> Array:
        """How far what points of one frame lie on moves in the world, as other frames show it.

        Args:
            xy_px: (N, 2) positions in `frame`, inside the image.
            frame: index of the frame in which the points are given.
            frames: indices of T frames.

        Returns:
            (T, N) distance in pixels between where each point is in each of `frames` and where it
            would be had everything but the camera stood still since or until `frame`; hidden or
            not; NaN where one of the two is behind the camera.

        Raises:
            InputError: a point lies outside the image, or the clip has no such frame.
        """
        view = self._view(frame)
        points = surface_points(self._geometry, view, self._checked(xy_px))
        camera_to_world = np.linalg.inv(view.world_to_camera)
        frozen = in_camera(self._geometry, view, points) @ camera_to_world.T
        found = []
        for other in map(self._view, frames):
            moved, _ = projected(other.intrinsics, in_camera(self._geometry, other, points))
            stood, _ = projected(other.intrinsics, frozen @ other.world_to_camera.T)
            found.append(np.linalg.norm(moved - stood, axis=1))
        return np.array(found).reshape(len(found), -1)

    def flow(self, frame: int, other_frame: int) -> PointTracks:
        """Displacement from one frame to another of every pixel.

        Returns:
            As xy_px the displacement (H, W, 2) in pixels, and (H, W) whether its end is visible.
        """
        camera = self.scene.camera
        shape = (camera.height, camera.width)
        grid = np.indices(shape)[::-1].reshape(2, -1).T.astype(np.float64)
        moved = self.track(grid, frame, other_frame)
        return PointTracks((moved.xy_px - grid).reshape(*shape, 2), moved.visible.reshape(shape))

    def instances(self, xy_px: npt.ArrayLike, frame: int) -> npt.NDArray[np.uint16]:
        """(N,) instance ids at positions (N, 2) of a frame; 0 for the static world and the sky."""
        hits = self._view(frame).cast_points(self._checked(xy_px))
        return self._geometry.instance_of(hits.piece)

    def moving_instances(self, frame: int) -> frozenset[int]:
        """Ids of the movers that move in the world at a frame, in sight or not.

        Moving is what some part of is displaced by more than 0.1 mm on the way from the frame
        before or to the frame after.
        """
        return self._geometry.moving_instances(frame)

    def _view(self, frame: int) -> View:
        return self._geometry.view(self.scene.time_s(frame))

    def _checked(self, xy_px: npt.ArrayLike) -> Array:
        points = np.asarray(xy_px, np.float64)
        if points.ndim != 2 or points.shape[1] != 2:
            raise InputError(f"points: expected (N, 2) pixels, found shape {points.shape}")
        outside = ~self._inside(points)
        if outside.any():
            camera = self.scene.camera
            raise InputError(
                f"points: expected inside the {camera.width}x{camera.height} image, found "
                f"{points[outside][0]}; give visible points only"
            )
        return points

    def _inside(self, points: Array) -> npt.NDArray[np.bool_]:
        """(...,) whether points (..., 2) lie on the image's pixels."""
        limits = np.array([self.scene.camera.width, self.scene.camera.height]) - 0.5
        return np.asarray(((points >= -0.5) & (points < limits)).all(axis=-1))

    def _seen(self, view: View, points: SurfacePoints) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Positions (N, 2) and visibility (N,) of surface points in a view."""
        seen = in_camera(self._geometry, view, points)
        xy, in_front = projected(view.intrinsics, seen)
        visible = np.zeros(len(seen), bool)
        visible[in_front] = self._inside(xy[in_front])
        inverse_depth = seen[visible, 3] / seen[visible, 2]
        nearest = view.cast_points(xy[visible])
        hidden = nearest.inverse_depth > inverse_depth * (1 + _DEPTH_TOLERANCE)
        visible[visible] = ~hidden
        return xy, visible
