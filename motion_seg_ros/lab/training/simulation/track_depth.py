"""Errors of random depth cameras at the points of tracks: noise, quantisation, holes and range.

Stereo and structured light measure disparity, so noise and steps are constant in inverse depth. At
points alone, where there may be no image; lab.synthetic.depth_sensor has images of one camera. All
spreads were set by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.flow.lookup import sample
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance, log_uniform
from motion_seg_ros.types import BoolArray, FloatArray

_HOLE_CELLS = (5, 8)  # of a grid over the image that holes are drawn on


@dataclass(frozen=True, eq=False)
class TrackDepthSensor:
    """A depth camera with its errors.

    Attributes:
        size: h, w of the images that points are in.
        range_m: least and largest depth it measures.
        noise: standard deviation of inverse depth in 1/m.
        step: of the quantisation of inverse depth in 1/m.
        missing: share of points without depth, at random.
        holes: share of the image in which it measures nothing.
        shift_px: standard deviation of the displacement between depth and image.
    """

    size: tuple[int, int]
    range_m: tuple[float, float]
    noise: float
    step: float
    missing: float
    holes: float
    shift_px: float

    @classmethod
    def drawn(cls, rng: Rng, size: tuple[int, int]) -> TrackDepthSensor:
        """Draw a sensor: three of four are indoor cameras, the rest stereo for outdoors."""
        outdoors = chance(rng, 0.25)
        far_m = log_uniform(rng, 20, 60) if outdoors else log_uniform(rng, 4, 12)
        noise = log_uniform(rng, 5e-4, 5e-3)
        return cls(
            size,
            (far_m / rng.uniform(15, 40), far_m),
            noise,
            noise * log_uniform(rng, 0.2, 3),
            rng.uniform(0, 0.08),
            rng.uniform(0, 0.25),
            rng.uniform(0.2, 1.5) * max(size) / 427,
        )

    def beside(self, rng: Rng, xy_px: FloatArray) -> FloatArray:
        """Return where the sensor looks for the points (N, 2), a little beside them."""
        return xy_px + rng.normal(0, self.shift_px, xy_px.shape).astype(np.float32)

    def measured(self, rng: Rng, inverse_depth: FloatArray, xy_px: FloatArray) -> FloatArray:
        """Measure the points of one frame.

        Args:
            rng: source of randomness.
            inverse_depth: (N,) 1/m, the truth.
            xy_px: (N, 2) positions in the image.

        Returns:
            (N,) float32 inverse depth in 1/m, NaN where nothing was measured.
        """
        found = inverse_depth + rng.normal(0, self.noise, inverse_depth.shape)
        found = np.rint(found / self.step) * self.step
        near, far = self.range_m
        known = (found >= 1 / far) & (found <= 1 / near)
        known &= rng.random(len(found)) >= self.missing
        known &= ~self._in_holes(rng, xy_px)
        return np.asarray(np.where(known, found, np.nan), np.float32)

    def _in_holes(self, rng: Rng, xy_px: FloatArray) -> BoolArray:
        height, width = self.size
        cells = rng.random(_HOLE_CELLS).astype(np.float32)
        enlarged = cv2.resize(cells, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
        smooth = np.asarray(enlarged, np.float32)
        scale = np.array([smooth.shape[1] / width, smooth.shape[0] / height], np.float32)
        level = sample(smooth, (xy_px + 0.5) * scale - 0.5)
        return np.asarray(level < np.quantile(smooth, self.holes), bool)
