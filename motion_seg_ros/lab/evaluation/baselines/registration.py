"""Earlier frames registered to the newest one by image homographies."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import UInt8Array

# Set by hand.
CORNERS, CORNER_QUALITY, CORNER_DISTANCE_PX = 600, 0.01, 8
RANSAC_PX = 3.0


class RegisteredFrames:
    """The last frames, each with the homography that takes it into the view of the newest one.

    Args:
        count: frames that are kept.
    """

    def __init__(self, count: int) -> None:
        self._past: deque[tuple[UInt8Array, npt.NDArray[np.float64]]] = deque(maxlen=count)
        self._last_gray: UInt8Array | None = None

    def __len__(self) -> int:
        return len(self._past)

    def register(self, image: UInt8Array) -> None:
        """Register the frames that are kept to the next image, (H, W, 3) bgr."""
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
        if self._last_gray is not None:
            step = _homography(self._last_gray, gray)
            for index, (past, to_last) in enumerate(self._past):
                self._past[index] = (past, step @ to_last)
        self._last_gray = gray

    def view(self, index: int, image: UInt8Array) -> UInt8Array:
        """Return the kept frame `index`, oldest first, in the view of `image`, (H, W, 3).

        Pixels that it did not see are those of `image`.
        """
        past, to_newest = self._past[index]
        height, width = image.shape[:2]
        view = cv2.warpPerspective(
            past, to_newest, (width, height), image.copy(), borderMode=cv2.BORDER_TRANSPARENT
        )
        return view.astype(np.uint8, copy=False)

    def keep(self, image: UInt8Array) -> None:
        """Keep the image that was registered last, in place of the oldest."""
        self._past.append((image, np.eye(3)))


def _homography(last: UInt8Array, newest: UInt8Array) -> npt.NDArray[np.float64]:
    """Return (3, 3), pixels of `last` -> pixels of `newest`; identity where none can be found.

    Corners are followed by pyramidal Lucas-Kanade, and a homography is fitted to them by RANSAC.
    """
    points = cv2.goodFeaturesToTrack(last, CORNERS, CORNER_QUALITY, CORNER_DISTANCE_PX)
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
