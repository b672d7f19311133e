"""The exact motion of what single image points see, between neighbouring frames of a scene.

As synthetic.truth.Truth, but nothing is asked about visibility, which makes it cheap to follow a
thousand points over a clip.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from motion_seg_ros.synthetic.geometry import SceneGeometry, View
from motion_seg_ros.synthetic.scene import Scene
from motion_seg_ros.synthetic.surfaces import NEAR_M

Array = npt.NDArray[np.float64]


class SeenPoints(NamedTuple):
    """What image points (N, 2) of a frame see, and where that is in other frames.

    Attributes:
        moved_px: (F, N, 2) float64 displacement to each of the F frames asked for; NaN for points
            behind the camera.
        inverse_depth: (N,) float64 1/m, 0 for the sky.
        piece: (N,) int16 index of the surface.
    """

    moved_px: Array
    inverse_depth: Array
    piece: npt.NDArray[np.int16]


class SurfaceMotion:
    """Answers where the surface under image points is in other frames of a scene.

    Args:
        scene: its points stick to the surface they are seen on; those of the sky turn with the
            camera.
        geometry: of the scene, where it has been set up already.
    """

    def __init__(self, scene: Scene, geometry: SceneGeometry | None = None) -> None:
        self.scene = scene
        self._geometry = geometry or SceneGeometry(scene)
        self.pieces = len(self._geometry.pieces)

    def _view(self, frame: int) -> View:
        return self._geometry.view(self.scene.time_s(frame))

    def seen(self, xy_px: Array, frame: int, others: tuple[int, ...]) -> SeenPoints:
        """What pixels (N, 2) of `frame` see, and its displacement to `others`."""
        view = self._view(frame)
        hits = view.cast_points(xy_px)
        body = self._geometry.body_of(hits.piece)
        rays = np.c_[xy_px, np.ones(len(xy_px))] @ np.linalg.inv(view.intrinsics).T
        # X = z * ray has the homogeneous coordinates (ray, 1 / z), which holds for the sky as well.
        points = np.c_[rays, hits.inverse_depth]
        back = np.linalg.inv(view.poses_to_camera)
        points = (back[body] @ points[..., None])[..., 0]
        points = self._geometry.at_rest(points, hits.piece, view.time_s)
        moved = np.empty((len(others), len(xy_px), 2))
        for index, other in enumerate(others):
            there = self._view(other)
            seen = self._geometry.moved(points, hits.piece, there.time_s)
            seen = (there.poses_to_camera[body] @ seen[..., None])[..., 0]
            behind = (seen[:, 2] <= NEAR_M * seen[:, 3]) | (seen[:, 2] <= 0)
            image = seen[:, :3] @ there.intrinsics.T
            with np.errstate(divide="ignore", invalid="ignore"):
                moved[index] = image[:, :2] / image[:, 2:] - xy_px
            moved[index, behind] = np.nan
        return SeenPoints(moved, hits.inverse_depth, hits.piece)
