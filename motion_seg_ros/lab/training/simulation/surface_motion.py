"""The exact motion of what single image points see, between neighbouring frames of a scene.

As synthetic.truth.Truth, but nothing is asked about visibility, which makes it cheap to follow a
thousand points over a clip.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.geometry import SceneGeometry, View
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.synthetic.surface_points import in_camera, projected, surface_points

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
        points = surface_points(self._geometry, self._view(frame), xy_px)
        moved = np.empty((len(others), len(xy_px), 2))
        for index, other in enumerate(others):
            there = self._view(other)
            seen, _ = projected(there.intrinsics, in_camera(self._geometry, there, points))
            moved[index] = seen - xy_px
        return SeenPoints(moved, points.inverse_depth, points.piece)
