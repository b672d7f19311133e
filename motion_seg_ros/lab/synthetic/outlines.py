"""Outlines that panels are cut along."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.photograph import CutOut
from motion_seg_ros.lab.synthetic.scene import Outline
from motion_seg_ros.lab.synthetic.trajectory import Array


def inside_outline(outline: Outline | CutOut, u: Array, v: Array) -> npt.NDArray[np.bool_]:
    """Return which texture coordinates (v down) lie inside an outline of the unit square."""
    if isinstance(outline, CutOut):
        return outline.covers(u, v)
    x, y = 2 * u - 1, 2 * v - 1
    match outline:
        case "rectangle":
            return np.asarray((np.abs(x) <= 1) & (np.abs(y) <= 1))
        case "ellipse":
            return np.asarray(x * x + y * y <= 1)
        case "figure":
            head = (x / 0.36) ** 2 + ((y + 0.78) / 0.22) ** 2 <= 1
            trunk = (np.abs(x / 0.95) ** 3 + np.abs((y + 0.12) / 0.42) ** 3) <= 1
            legs = (y > 0.1) & (y <= 1) & (np.abs(np.abs(x) - 0.1 - 0.28 * y) <= 0.2)
            return np.asarray(head | trunk | legs)
        case "bush":
            angle, radius = np.arctan2(y, x), np.hypot(x, y)
            return np.asarray(
                radius <= 0.86 + 0.1 * np.sin(7 * angle) + 0.04 * np.sin(17 * angle + 1)
            )
        case "star":
            angle, radius = np.arctan2(x, -y), np.hypot(x, y)
            return np.asarray(radius <= 0.72 + 0.28 * np.cos(5 * angle))
