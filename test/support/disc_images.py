"""Textured images, and a disc that moves in them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.flow.lookup import pixel_grid

SIZE = (120, 160)
GRID = pixel_grid(SIZE)
DISC = np.hypot(GRID[..., 0] - 90, GRID[..., 1] - 60) < 18


def texture(seed: int, size: tuple[int, int] = SIZE) -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 255, (*size, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.5), np.uint8)
