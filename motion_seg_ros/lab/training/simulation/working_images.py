"""Images whose working images are exactly the rendered ones.

The tracker halves its images, so it gets rendered ones twice as large.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motion_seg_ros.flow.lookup import AnyArray

ENLARGED = 2


def enlarged(image: AnyArray) -> AnyArray:
    """Repeat every pixel of a rendered image (H, W, ...), which halving undoes exactly."""
    return np.asarray(image.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1))


def enlarged_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return height and width of the enlarged image of a rendered one of `size` = (h, w)."""
    return ENLARGED * size[0], ENLARGED * size[1]


def enlarged_matrix(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the intrinsics (3, 3) of the enlarged image from those of the rendered one."""
    # The centre of the top-left pixel is (0, 0) in both.
    shift = (ENLARGED - 1) / 2
    return np.array([[ENLARGED, 0, shift], [0, ENLARGED, shift], [0, 0, 1.0]]) @ matrix
