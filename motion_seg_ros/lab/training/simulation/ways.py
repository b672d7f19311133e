"""Ways through the world: the centre lines that roads and corridors lie along."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from motion_seg_ros.lab.synthetic.trajectory import Array, Placement

_STEP = 0.5  # m between the points of a way


@dataclass(frozen=True)
class Way:
    """Centre line on the ground, straight but for one bend of constant curvature.

    Attributes:
        bend: curvature in 1/m, positive to the right.
        start_m, end_m: where along the way the bend begins and ends; at 0 the way is at the world's
            origin and runs along z.
        reach_m: length of the way before and beyond 0.
    """

    bend: float = 0.0
    start_m: float = 0.0
    end_m: float = 0.0
    reach_m: float = 400.0

    def heading(self, along_m: Array) -> Array:
        """Return the direction at a distance along the way, as a yaw."""
        covered = np.clip(along_m, self.start_m, self.end_m) - np.clip(
            0.0, self.start_m, self.end_m
        )
        return np.asarray(self.bend * covered)

    def position(self, along_m: Array, aside_m: Array) -> Array:
        """Return the points (..., 3) on the ground at distances along and right of the way."""
        grid, x, z = self._line
        heading = self.heading(along_m)
        at_x = np.interp(along_m, grid, x) + aside_m * np.cos(heading)
        at_z = np.interp(along_m, grid, z) - aside_m * np.sin(heading)
        return np.stack([at_x, np.zeros_like(at_x), at_z], axis=-1)

    def place(self, along_m: float, aside_m: float, yaw: float = 0.0) -> Placement:
        """Return a placement on the ground whose z axis runs along the way."""
        along = np.array(along_m)
        x, y, z = self.position(along, np.array(aside_m)).tolist()
        return Placement(x, y, z, float(self.heading(along)) + yaw)

    @cached_property
    def _line(self) -> tuple[Array, Array, Array]:
        count = int(self.reach_m / _STEP)
        grid = np.asarray(_STEP * np.arange(-count, count + 1), np.float64)
        middle = self.heading(np.asarray(grid[:-1] + _STEP / 2))
        steps = _STEP * np.stack([np.sin(middle), np.cos(middle)])
        x, z = np.pad(np.cumsum(steps, axis=1), ((0, 0), (1, 0)))
        return grid, x - x[count], z - z[count]
