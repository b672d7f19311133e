"""Means over the tracks near each track in the image.

A tracker's errors come one by one, objects in groups: what a track's neighbours do tells the two
apart, and averaging over them is what a small network does badly.
"""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.camera import Float64Array
from motion_seg_ros.types import FloatArray

CELLS = 3  # on a side of the square about a track


def means_about(
    values: Float64Array, xy_px: FloatArray, size: tuple[int, int], side_px: float
) -> tuple[Float64Array, Float64Array]:
    """Return the mean of some values over the other tracks about each track.

    Args:
        values: (N, C), NaN where they do not count.
        xy_px: (N, 2) positions.
        size: (H, W) of the image.
        side_px: of the square of CELLS x CELLS cells with the track in the middle one.

    Returns:
        Means (N, C), 0 where no other track is near, and how many tracks (N, C) they are of.
    """
    cell = side_px / CELLS
    shape = int(size[0] // cell) + 1, int(size[1] // cell) + 1
    # The grid lies symmetrically about the middle of the image, as mirrored images have it.
    middle = (np.array(size[::-1]) - 1) / 2
    at = np.floor((xy_px - middle) / cell + np.array(shape[::-1]) / 2).astype(np.int64)
    column, row = np.clip(at, 0, np.array(shape[::-1]) - 1).T
    known = np.isfinite(values)
    own = np.concatenate([np.where(known, values, 0), known], axis=1)
    width = own.shape[1]
    place = (row * shape[1] + column)[:, None] * width + np.arange(width)
    sums = np.bincount(place.ravel(), own.ravel(), shape[0] * shape[1] * width)
    about = cv2.boxFilter(
        sums.reshape(*shape, width),
        -1,
        (CELLS, CELLS),
        normalize=False,
        borderType=cv2.BORDER_CONSTANT,
    )
    total, count = np.split(about[row, column] - own, 2, axis=1)
    count = np.round(count)  # sums over cells leave rounding errors
    return np.where(count > 0, total / np.maximum(count, 1), 0.0), count
