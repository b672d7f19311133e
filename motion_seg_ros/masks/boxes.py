"""Boxes around what a map shows, outside of which there is nothing to compute."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.types import BoolArray

Box = tuple[slice, slice]
"""Rows and columns of a map."""


def box_around(shown: BoolArray, margin: int = 0) -> Box:
    """Return the least box that holds all pixels of `shown` (h, w) and `margin` pixels about them,
    as far as the map goes; an empty one where none is shown."""
    x, y, width, height = cv2.boundingRect(shown.view(np.uint8))
    if not width:
        return slice(0, 0), slice(0, 0)
    rows = slice(max(0, y - margin), min(shown.shape[0], y + height + margin))
    columns = slice(max(0, x - margin), min(shown.shape[1], x + width + margin))
    return rows, columns


def resized_box(box: Box, size: tuple[int, ...], new_size: tuple[int, ...]) -> Box:
    """Return the pixels of an image resized to `new_size` that a box of the one of `size` is part
    of."""
    rows, columns = (
        slice(each.start * new // old, -(-each.stop * new // old))
        for each, old, new in zip(box, size, new_size, strict=True)
    )
    return rows, columns
