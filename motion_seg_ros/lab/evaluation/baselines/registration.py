"""One view registered to another by an image homography: what the plain methods start with."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import UInt8Array

CORNER_QUALITY, CORNER_DISTANCE_PX = 0.01, 8
RANSAC_PX = 3.0


def homography(last: UInt8Array, newest: UInt8Array, corners: int) -> npt.NDArray[np.float64]:
    """(3, 3): pixels of `last` -> pixels of `newest`; identity where none can be found.

    Corners are followed by pyramidal Lucas-Kanade, and a homography is fitted to them by RANSAC.

    Args:
        last: (H, W) grey.
        newest: (H, W) grey.
        corners: at most so many are followed.
    """
    points = cv2.goodFeaturesToTrack(last, corners, CORNER_QUALITY, CORNER_DISTANCE_PX)
    if points is None or len(points) < 4:
        return np.eye(3)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
        last, newest, points, None
    )
    kept = found[:, 0] == 1
    if kept.sum() < 4:
        return np.eye(3)
    fitted, _ = cv2.findHomography(points[kept], moved[kept], cv2.RANSAC, RANSAC_PX)
    return np.eye(3) if fitted is None else fitted.astype(np.float64)


def seen_from(
    past: UInt8Array, to_newest: npt.NDArray[np.float64], newest: UInt8Array
) -> UInt8Array:
    """(H, W, 3): `past` in the view of `newest`; what it did not see is taken to be as it is
    now."""
    height, width = newest.shape[:2]
    view = cv2.warpPerspective(
        past, to_newest, (width, height), newest.copy(), borderMode=cv2.BORDER_TRANSPARENT
    )
    return view.astype(np.uint8, copy=False)
