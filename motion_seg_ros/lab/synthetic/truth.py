"""Exact motion of a scene's surface points, from its geometry and not from its images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic.geometry import SceneGeometry, SceneView
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.synthetic.surfaces import NEAR_M

Array = npt.NDArray[np.float64]
# Relative difference of depth beyond which the nearer surface hides a point: above round-off, below
# any gap between surfaces.
_DEPTH_TOLERANCE = 1e-6


class SurfaceTracks(NamedTuple):
    """Image positions of surface points.

    Attributes:
        xy_px: float64 (..., 2), x right, y down, the centre of the top-left pixel at (0, 0); NaN
            for points behind the camera.
        visible: bool (...), inside the image and not occluded.
    """

    xy_px: Array
    visible: npt.NDArray[np.bool_]


class _SurfacePoints(NamedTuple):
    """N surface points of a scene, independent of time.

    Attributes:
        at_rest: (N, 4) float64 homogeneous, in body coordinates, without ripples; world directions
            with last coordinate 0 for the sky.
        piece, body: (N,) the surface and the body they belong to.
    """

    at_rest: Array
    piece: npt.NDArray[np.int16]
    body: npt.NDArray[np.intp]


class GroundTruth:
    """Exact correspondences between any two frames of a scene.

    A point sticks to the surface it is seen on. Points of the sky turn with the camera and have no
    parallax. All positions are exact up to double precision and do not depend on nuisances.

    Args:
        scene: the scene.
        geometry: its geometry, where a renderer has set it up already.
    """

    def __init__(self, scene: Scene, geometry: SceneGeometry | None = None) -> None:
        self.scene = scene
        self.geometry = geometry or SceneGeometry(scene)

    def tracks(self, xy_px: npt.ArrayLike, frame: int, frames: Sequence[int]) -> SurfaceTracks:
        """Follow points of one frame to T frames, earlier, later or the same.

        Args:
            xy_px: (N, 2) positions in `frame`, inside the image.
            frame: index of the frame in which the points are given.
            frames: indices of the frames in which they are wanted.

        Returns:
            Positions (T, N, 2) and visibility (T, N).

        Raises:
            InputError: a point lies outside the image, or the clip has no such frame.
        """
        points = self._surface_points(self._view(frame), self._checked(xy_px))
        found = [self._seen(self._view(other), points) for other in frames]
        return SurfaceTracks(
            np.array([xy for xy, _ in found]).reshape(len(found), -1, 2),
            np.array([visible for _, visible in found]).reshape(len(found), -1),
        )

    def deviations(self, xy_px: npt.ArrayLike, frame: int, frames: Sequence[int]) -> Array:
        """Measure how far the things seen at points of one frame move in the world.

        Args:
            xy_px: (N, 2) positions in `frame`, inside the image.
            frame: index of the frame in which the points are given.
            frames: indices of T frames.

        Returns:
            (T, N) distance in pixels between the position of each point in each of `frames` and its
            position had everything but the camera stood still since or until `frame`; occluded or
            not; NaN where one of the two is behind the camera.

        Raises:
            InputError: a point lies outside the image, or the clip has no such frame.
        """
        view = self._view(frame)
        points = self._surface_points(view, self._checked(xy_px))
        camera_to_world = np.linalg.inv(view.world_to_camera)
        frozen = self._in_camera(view, points) @ camera_to_world.T
        found = []
        for other in map(self._view, frames):
            moved, _ = _projected(other.intrinsics, self._in_camera(other, points))
            stood, _ = _projected(other.intrinsics, frozen @ other.world_to_camera.T)
            found.append(np.linalg.norm(moved - stood, axis=1))
        return np.array(found).reshape(len(found), -1)

    def inverse_depth(self, xy_px: npt.ArrayLike, frame: int, frames: Sequence[int]) -> Array:
        """Return the inverse depth (T, N) in 1/m, in T frames, of what is seen at points of one.

        Args:
            xy_px: (N, 2) positions in `frame`, inside the image.
            frame: index of the frame in which the points are given.
            frames: indices of T frames; occluded or not, 0 for the sky.

        Raises:
            InputError: a point lies outside the image, or the clip has no such frame.
        """
        points = self._surface_points(self._view(frame), self._checked(xy_px))
        seen = np.array([self._in_camera(self._view(other), points) for other in frames])
        return np.asarray(seen[..., 3] / seen[..., 2])

    def instances(self, xy_px: npt.ArrayLike, frame: int) -> npt.NDArray[np.uint16]:
        """Return instance ids (N,) at positions (N, 2) of a frame; 0 for static world and sky."""
        hits = self._view(frame).cast_points(self._checked(xy_px))
        return self.geometry.instance_of(hits.piece)

    def _view(self, frame: int) -> SceneView:
        return self.geometry.view(self.scene.time_s(frame))

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
        """Return which points (..., 2) lie on the image's pixels."""
        limits = np.array([self.scene.camera.width, self.scene.camera.height]) - 0.5
        return np.asarray(((points >= -0.5) & (points < limits)).all(axis=-1))

    def _surface_points(self, view: SceneView, xy_px: Array) -> _SurfacePoints:
        """Return the surface points seen at image points (N, 2) of a view."""
        hits = view.cast_points(xy_px)
        body = self.geometry.body_of(hits.piece)
        rays = np.c_[xy_px, np.ones(len(xy_px))] @ np.linalg.inv(view.intrinsics).T
        # X = z * ray has the homogeneous coordinates (ray, 1 / z), which holds for the sky as well.
        seen = np.c_[rays, hits.inverse_depth]
        back = np.linalg.inv(view.poses_to_camera)
        moved = (back[body] @ seen[..., None])[..., 0]
        at_rest = self.geometry.at_rest(moved, hits.piece, view.time_s)
        return _SurfacePoints(at_rest, hits.piece, body)

    def _in_camera(self, view: SceneView, points: _SurfacePoints) -> Array:
        """Return homogeneous camera coordinates (N, 4) of surface points in a view."""
        moved = self.geometry.moved(points.at_rest, points.piece, view.time_s)
        return np.asarray((view.poses_to_camera[points.body] @ moved[..., None])[..., 0])

    def _seen(self, view: SceneView, points: _SurfacePoints) -> SurfaceTracks:
        """Return positions (N, 2) and visibility (N,) of surface points in a view."""
        seen = self._in_camera(view, points)
        xy, in_front = _projected(view.intrinsics, seen)
        visible = np.zeros(len(seen), bool)
        visible[in_front] = self._inside(xy[in_front])
        inverse_depth = seen[visible, 3] / seen[visible, 2]
        nearest = view.cast_points(xy[visible])
        hidden = nearest.inverse_depth > inverse_depth * (1 + _DEPTH_TOLERANCE)
        visible[visible] = ~hidden
        return SurfaceTracks(xy, visible)


def _projected(intrinsics: Array, seen: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Project homogeneous camera coordinates (N, 4).

    Returns:
        Positions (N, 2), NaN behind the camera, and (N,) True in front of it.
    """
    in_front = seen[:, 2] > NEAR_M * seen[:, 3]
    in_front &= seen[:, 2] > 0
    image = seen[:, :3] @ intrinsics.T
    xy = np.full((len(seen), 2), np.nan)
    xy[in_front] = image[in_front, :2] / image[in_front, 2:]
    return xy, in_front
