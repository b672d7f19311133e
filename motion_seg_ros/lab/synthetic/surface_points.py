"""Points on the surfaces of a scene: found in one frame, looked at in others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.geometry import SceneGeometry, View
from motion_seg_ros.lab.synthetic.surfaces import NEAR_M

Array = npt.NDArray[np.float64]


class SurfacePoints(NamedTuple):
    """N surface points of a scene, wherever they are at the moment.

    Attributes:
        at_rest: (N, 4) float64 homogeneous, in their body's coordinates, nothing rippling; of the
            sky world directions, last 0.
        piece, body: (N,) what they belong to.
        inverse_depth: (N,) float64 1/m where they were found, 0 for the sky.
    """

    at_rest: Array
    piece: npt.NDArray[np.int16]
    body: npt.NDArray[np.intp]
    inverse_depth: Array


def surface_points(geometry: SceneGeometry, view: View, xy_px: Array) -> SurfacePoints:
    """What image points (N, 2) of a view see."""
    hits = view.cast_points(xy_px)
    body = geometry.body_of(hits.piece)
    rays = np.c_[xy_px, np.ones(len(xy_px))] @ np.linalg.inv(view.intrinsics).T
    # X = z * ray has the homogeneous coordinates (ray, 1 / z), which holds for the sky as well.
    seen = np.c_[rays, hits.inverse_depth]
    back = np.linalg.inv(view.poses_to_camera)
    moved = (back[body] @ seen[..., None])[..., 0]
    at_rest = geometry.at_rest(moved, hits.piece, view.time_s)
    return SurfacePoints(at_rest, hits.piece, body, hits.inverse_depth)


def in_camera(geometry: SceneGeometry, view: View, points: SurfacePoints) -> Array:
    """(N, 4) homogeneous camera coordinates of surface points in a view."""
    moved = geometry.moved(points.at_rest, points.piece, view.time_s)
    return np.asarray((view.poses_to_camera[points.body] @ moved[..., None])[..., 0])


def projected(intrinsics: Array, seen: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Positions (N, 2) of homogeneous camera coordinates (N, 4), NaN behind; (N,) in front."""
    in_front = seen[:, 2] > NEAR_M * seen[:, 3]
    in_front &= seen[:, 2] > 0
    image = seen[:, :3] @ intrinsics.T
    xy = np.full((len(seen), 2), np.nan)
    xy[in_front] = image[in_front, :2] / image[in_front, 2:]
    return xy, in_front
