"""Images whose working images are exactly the rendered ones.

The tracker halves its images, so it gets rendered ones twice as large.
"""

from __future__ import annotations

import numpy as np

from motion_seg_ros.types import UInt8Array

ENLARGED = 2


def enlarged(image: UInt8Array) -> UInt8Array:
    """Repeat every pixel of a rendered image, which halving undoes exactly."""
    return np.asarray(image.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1))


def enlarged_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return height and width of the enlarged image of a rendered one of `size` = (h, w)."""
    return ENLARGED * size[0], ENLARGED * size[1]
