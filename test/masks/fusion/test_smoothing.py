"""Smoothing that stops at edges."""

from __future__ import annotations

import numpy as np
from disc_images import SIZE

from motion_seg_ros.masks.fusion.smoothing import EdgeAwareFilter


def test_spreading_stops_at_edges() -> None:
    image = np.zeros((*SIZE, 3), np.uint8)
    image[:, 80:] = 255
    values, weight = np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32)
    values[60, 60] = weight[60, 60] = 1
    spread = EdgeAwareFilter(image, 500, 8).spread(values, weight, 1e-6)
    assert spread[60, 66] > 10 * max(spread[60, 90], 1e-3)
