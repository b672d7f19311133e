"""Pictures of which the tracker sees exactly what was rendered.

The tracker halves its images, so it gets rendered ones twice as large.
"""

from __future__ import annotations

import numpy as np

from motion_seg_ros.types import UInt8Array

ENLARGED = 2


def enlarged(image: UInt8Array) -> UInt8Array:
    """A rendered image with every pixel repeated, which halving undoes exactly."""
    return np.asarray(image.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1))


def enlarged_size(size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the enlarged image of a rendered one of `size` = (h, w)."""
    return ENLARGED * size[0], ENLARGED * size[1]
