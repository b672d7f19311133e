"""Photometric evidence: pixels whose colour no earlier view of the static world explains."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.flow.lookup import remap, warp
from motion_seg_ros.geometry.statistics import MAD_TO_SIGMA, weighted_quantile
from motion_seg_ros.masks.fusion.evidence import scaled
from motion_seg_ros.types import Float16Array, FloatArray, UInt8Array, UInt16Array

# Values of a prototype, lab/evaluation/baselines/fusion.py; on rendered scenes none is clearly
# better, see docs/masks_tried.md:
VIEWS = 3  # earlier views to compare with
NOISE_FLOOR = 4.0  # grey levels
TOLERANCE = 3.0  # noise levels
GAIN = 0.7  # log-odds per noise level above the tolerance
MAX_FOR_MOVING = 2.0
MAX_FOR_STATIC = 1.5
# Set by hand:
KEPT = 17  # views: two of the largest gap beside the newest
SIDE_PX = 3  # of the squares that differences are means over


@dataclass(frozen=True, eq=False)
class _View:
    image: UInt8Array  # (h, w, 4): OpenCV looks up four channels in half the time of three
    to_earlier: Float16Array | None  # (h, w, 2) displacement to the view `gap` frames before
    gap: int

    @classmethod
    def of(cls, image: UInt8Array, to_earlier: FloatArray | None, gap: int) -> _View:
        half = None if to_earlier is None else to_earlier.astype(np.float16)
        return cls(image, half, gap)

    def resized(self, size: tuple[int, int]) -> _View:
        """Return the view at another size (h, w)."""
        height, width = self.image.shape[:2]
        image = np.asarray(
            cv2.resize(self.image, size[::-1], interpolation=cv2.INTER_AREA), np.uint8
        )
        if self.to_earlier is None:
            return _View(image, None, self.gap)
        factor = np.array([size[1] / width, size[0] / height], np.float32)
        return _View.of(image, scaled(self.to_earlier.astype(np.float32), size) * factor, self.gap)


class BackgroundViews:
    """The last frames and the camera's motion between them: earlier views of a pixel's place."""

    def __init__(self) -> None:
        self._views: deque[_View] = deque(maxlen=KEPT)

    def log_odds(
        self,
        bgr: UInt8Array,
        grid: FloatArray,
        to_earlier: FloatArray | None,
        gap: int,
        trust: FloatArray | float = 1.0,
    ) -> FloatArray | None:
        """Return the log-odds of moving of the pixels of a new frame, and keep the frame.

        Args:
            bgr: (h, w, 3) uint8.
            grid: (h, w, 2) pixel coordinates.
            to_earlier: (h, w, 2) displacement of each pixel, if it stands still, to the frame `gap`
                frames before; None where unknown.
            gap: see there.
            trust: (h, w) in `to_earlier`, in [0, 1].

        Returns:
            (h, w) float32, or None without an earlier view.
        """
        blurred = cv2.GaussianBlur(bgr, (3, 3), 0)
        image = np.asarray(cv2.cvtColor(blurred, cv2.COLOR_BGR2BGRA), np.uint8)
        if self._views and self._views[-1].image.shape != image.shape:  # the working size changed
            size = image.shape[0], image.shape[1]
            self._views = deque((each.resized(size) for each in self._views), maxlen=KEPT)
        self._views.append(_View.of(image, to_earlier, gap))
        sums = self._least_sums(image, grid)
        if sums is None:
            return None
        error = sums * np.float32(1 / SIDE_PX**2)
        noise = max(NOISE_FLOOR, MAD_TO_SIGMA * _median(sums) / SIDE_PX**2)
        excess = error / np.float32(noise) - np.float32(TOLERANCE)
        log_odds = np.clip(excess * GAIN, 0, MAX_FOR_MOVING)
        log_odds += np.clip(excess / TOLERANCE, -1, 0) * MAX_FOR_STATIC
        return np.asarray(log_odds * trust, np.float32)

    def _least_sums(self, image: UInt8Array, grid: FloatArray) -> UInt16Array | None:
        """Return (h, w) the least colour difference over the earlier views, grey levels summed over
        SIDE_PX x SIDE_PX pixels; 0 out of view."""
        height, width = image.shape[:2]
        least: UInt16Array | None = None
        view, place, age = self._views[-1], grid, 0
        for _ in range(VIEWS):
            age += view.gap
            if view.to_earlier is None or age >= len(self._views):
                break
            to_earlier = view.to_earlier.astype(np.float32)
            step = to_earlier if place is grid else warp(to_earlier, place)
            place = place + step
            view = self._views[-1 - age]
            seen = remap(view.image, place)
            blue, green, red, _ = cv2.split(cv2.absdiff(image, seen))
            difference = cv2.max(cv2.max(blue, green), red)
            sums = cv2.boxFilter(difference, cv2.CV_16U, (SIDE_PX, SIDE_PX), normalize=False)
            in_view = cv2.inRange(place, (0, 0), (width - 1, height - 1))
            seen_sums = np.asarray(cv2.copyTo(sums, in_view), np.uint16)
            least = seen_sums if least is None else np.minimum(least, seen_sums)
        return least


def _median(sums: UInt16Array) -> float:
    """Return the median of differences summed over SIDE_PX x SIDE_PX pixels."""
    count = 255 * SIDE_PX**2 + 1
    counts = cv2.calcHist([sums], [0], None, [count], [0, count]).ravel().astype(np.float64)
    return float(weighted_quantile(np.arange(count, dtype=np.float64), counts, 0.5))
