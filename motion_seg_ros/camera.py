"""A camera's intrinsics and lens distortion: pixels to directions and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

NONE, PLUMB_BOB, RATIONAL, EQUIDISTANT = "none", "plumb_bob", "rational_polynomial", "equidistant"
COEFFICIENTS = {NONE: (0,), PLUMB_BOB: (4, 5), RATIONAL: (4, 5, 8), EQUIDISTANT: (4,)}
"""Models of distortion by their names in sensor_msgs/distortion_models.hpp, and how many
coefficients each may have, in the order of OpenCV: k1, k2, p1, p2, k3, k4, k5, k6 of
cv2.projectPoints, k1 to k4 of cv2.fisheye.projectPoints."""

MAX_ANGLE_DEG = 85.0
"""Angle to the optical axis from which on a distorting camera has no directions: x/z and y/z grow
without bound towards 90 degrees. Set by hand."""

# Set by hand:
_FOCAL = (0.01, 1e4)  # of the image's longer side: a view of 178 degrees, one of 20 arc seconds
_MAX_CENTRE = 1e3  # of the longer side: the image may be a region far off the axis
_ANGLES = 8192  # nodes of the table; linear between them, which costs below 3e-6 focal lengths
_MIN_SLOPE = 0.05  # focal lengths per radian, 1 in the middle; an orthographic lens's at 87 deg
_MAX_GAIN = 4.0  # of the distance to the middle, by distortion; a pincushion has 1.2
_MAX_STEPS = 8  # of Newton's method, which real lenses end after 2 or 3
_LAST_STEP = 1e-5  # focal lengths; the next one is its square
_MIN_SEEN = 0.1  # share of an image with directions; a circular fisheye leaves half without


class _RadialTable(NamedTuple):
    """Distances to the middle in focal lengths, as far as the lens tells them apart.

    Attributes:
        distorted: (M,) of points in the image, ascending from 0.
        stretch: (M,) by which those of directions are longer.
        reach: the longest of a direction.
    """

    distorted: Float64Array
    stretch: Float64Array
    reach: float


@dataclass(frozen=True, eq=False)
class Camera:
    """Intrinsics of a camera.

    Without distortion every pixel has a direction and the other way round. With distortion the
    result is NaN where the model has no answer: MAX_ANGLE_DEG or more off the optical axis, and
    where its polynomial turns back, beyond the part of the image that it was fitted to.

    Attributes:
        size: h, w of the images that the pixels are of.
        matrix: (3, 3) float64 in pixels, focal lengths above 0, without skew; read-only.
        distortion_model: one of COEFFICIENTS; `none` where all coefficients are 0.
        distortion: its coefficients; () of `none`.

    Raises:
        ValueError: something is not as above, or no lens distorts like that.
    """

    size: tuple[int, int]
    matrix: Float64Array
    distortion_model: str = NONE
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        matrix = self.matrix.view()
        if matrix.shape != (3, 3) or matrix.dtype != np.float64:
            raise ValueError(
                f"camera matrix: expected (3, 3) float64, found {matrix.shape} {matrix.dtype}"
            )
        if min(self.size) < 1:
            raise ValueError(f"camera: expected a size of 1 pixel or more, found {self.size}")
        if not np.isfinite(matrix).all() or matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
            raise ValueError(
                "camera matrix: expected finite numbers with focal lengths > 0, found "
                f"{matrix.tolist()}"
            )
        in_sides = matrix[:2] / max(self.size)
        focal, centre = in_sides[[0, 1], [0, 1]], in_sides[:, 2]
        if focal.min() < _FOCAL[0] or focal.max() > _FOCAL[1] or abs(centre).max() > _MAX_CENTRE:
            raise ValueError(
                f"camera matrix: expected one for images of {self.size[1]}x{self.size[0]}, found "
                f"{matrix.tolist()}"
            )
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)
        self._check_distortion()

    def _check_distortion(self) -> None:
        model, found = self.distortion_model, self.distortion
        if model not in COEFFICIENTS:
            raise ValueError(
                f"distortion model: expected one of {', '.join(COEFFICIENTS)}, found {model[:40]!r}"
            )
        if not np.isfinite(found).all():
            raise ValueError(f"distortion: expected finite coefficients, found {list(found)}")
        if not any(found):
            object.__setattr__(self, "distortion_model", NONE)
            object.__setattr__(self, "distortion", ())
            return
        if len(found) not in COEFFICIENTS[model]:
            counts = " or ".join(map(str, COEFFICIENTS[model]))
            raise ValueError(
                f"distortion: expected {counts} coefficients of {model}, found {len(found)}"
            )
        height, width = self.size
        x, y = np.meshgrid(np.linspace(0, width - 1, 9), np.linspace(0, height - 1, 9))
        pixels = np.dstack([x, y])
        distorted = np.linalg.norm(Camera(self.size, self.matrix).normalised(pixels), axis=-1)
        direct = np.linalg.norm(self.normalised(pixels), axis=-1)
        seen = np.isfinite(direct)
        if seen.mean() < _MIN_SEEN or (distorted > _MAX_GAIN * direct).any():
            raise ValueError(
                f"distortion: expected coefficients of {model} that fit the image, found "
                f"{list(found)}, with directions for {seen.mean():.0%} of it up to "
                f"{np.degrees(np.arctan(direct[seen])).max(initial=0.0):.1f} degrees off the axis"
            )

    @classmethod
    def guessed(cls, size: tuple[int, int]) -> Camera:
        """Return the camera assumed without a calibration: the longer side as focal length, the
        principal point in the middle, no distortion."""
        height, width = size
        focal = float(max(size))
        matrix = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
        return cls(size, matrix)

    @property
    def focal_px(self) -> float:
        """Geometric mean of the focal lengths, in pixels."""
        return float(np.sqrt(self.matrix[0, 0] * self.matrix[1, 1]))

    def resized(self, size: tuple[int, int]) -> Camera:
        """Return the camera of the same images resized to `size` = (h, w), where the centre of the
        top-left pixel stays (0, 0), as in flow.dense.resized."""
        scale = np.array([size[1] / self.size[1], size[0] / self.size[0], 1.0])
        half = np.array([0.5, 0.5, 0.0])
        matrix = self.matrix * scale[:, None]
        matrix[:, 2] = (self.matrix[:, 2] + half) * scale - half
        return Camera(size, matrix, self.distortion_model, self.distortion)

    def normalised(self, xy_px: npt.NDArray[np.floating]) -> Float64Array:
        """Return x/z, y/z (..., 2) of the directions of pixels (..., 2); NaN where the lens has
        none."""
        # One coordinate after the other: loops over pairs are slow.
        x, y = (
            (np.asarray(xy_px[..., i], np.float64) - self.matrix[i, 2]) / self.matrix[i, i]
            for i in (0, 1)
        )
        if self.distortion_model != NONE:
            with np.errstate(all="ignore"):
                x, y = self._undistorted(x, y)
        return np.stack((x, y), axis=-1)

    def pixels(self, xy: npt.NDArray[np.floating]) -> Float64Array:
        """Return the pixels (..., 2) of directions x/z, y/z (..., 2); NaN where the lens has
        none."""
        focal, centre = self.matrix[[0, 1], [0, 1]], self.matrix[:2, 2]
        direct = np.asarray(xy, np.float64)
        if self.distortion_model == NONE:
            return direct * focal + centre
        with np.errstate(all="ignore"):
            x, y = direct[..., 0], direct[..., 1]
            square = x * x + y * y
            ratio = np.where(square <= self._table.reach**2, self._ratio(square)[0], np.nan)
            more_x, more_y = self._tangential(x, y)
            distorted = np.stack([x * ratio + more_x, y * ratio + more_y], axis=-1)
        return distorted * focal + centre

    def _undistorted(self, x_d: Float64Array, y_d: Float64Array) -> tuple[Float64Array, ...]:
        """Return x, y (...) of the directions of distorted ones."""
        table = self._table
        stretch = np.interp(np.hypot(x_d, y_d), table.distorted, table.stretch, right=np.nan)
        x, y = x_d * stretch, y_d * stretch
        if self.distortion_model == EQUIDISTANT:
            return x, y
        p1, p2 = self.distortion[2:4]
        for _ in range(_MAX_STEPS):
            ratio, slope = self._ratio(x * x + y * y)
            more_x, more_y = self._tangential(x, y)
            error_x, error_y = x_d - x * ratio - more_x, y_d - y * ratio - more_y
            # The derivatives, a symmetric matrix.
            xx = ratio + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x
            yy = ratio + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x
            xy = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y
            determinant = xx * yy - xy * xy
            step_x = (yy * error_x - xy * error_y) / determinant
            step_y = (xx * error_y - xy * error_x) / determinant
            x, y = x + step_x, y + step_y
            step = abs(step_x) + abs(step_y)
            if not (step > _LAST_STEP).any():
                break
        found = (step <= _LAST_STEP) & (x * x + y * y <= table.reach**2)
        return np.where(found, x, np.nan), np.where(found, y, np.nan)

    @cached_property
    def _table(self) -> _RadialTable:
        angle = np.linspace(0, np.radians(MAX_ANGLE_DEG), _ANGLES)
        radius = np.tan(angle)
        ratio = self._ratio(radius**2)[0]
        distorted = radius * ratio
        slope = np.gradient(distorted, angle)
        good = (slope >= _MIN_SLOPE) & np.isfinite(distorted)
        good[1:] &= np.diff(distorted) > 0
        count = len(good) if good.all() else max(1, int(good.argmin()))
        return _RadialTable(distorted[:count], 1 / ratio[:count], float(radius[count - 1]))

    def _ratio(self, square: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return by how much a lens moves points away from the middle, and the derivative by the
        square of their distance to it, which is given; of an equidistant lens 0."""
        if self.distortion_model == EQUIDISTANT:
            radius = np.sqrt(square)
            angle = np.arctan(radius)
            distorted = angle * _polynomial((1.0, *self.distortion), angle * angle)[0]
            return np.where(radius > 0, distorted / radius, 1.0), np.zeros_like(square)
        k1, k2, _, _, k3, *below = (*self.distortion, 0.0)[: max(5, len(self.distortion))]
        above, above_slope = _polynomial((1.0, k1, k2, k3), square)
        if not below:
            return above, above_slope
        divisor, divisor_slope = _polynomial((1.0, *below), square)
        ratio = above / divisor
        return ratio, (above_slope - ratio * divisor_slope) / divisor

    def _tangential(self, x: Float64Array, y: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return the displacement by a lens that is not centred, in focal lengths."""
        if self.distortion_model == EQUIDISTANT:
            return np.zeros_like(x), np.zeros_like(y)
        p1, p2 = self.distortion[2:4]
        square = x * x + y * y
        both = 2 * x * y
        return p1 * both + p2 * (square + 2 * x * x), p2 * both + p1 * (square + 2 * y * y)


def _polynomial(
    coefficients: tuple[float, ...], x: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Return c0 + c1 x + c2 x^2 + ... and its derivative."""
    value, slope = np.full_like(x, coefficients[-1]), np.zeros_like(x)
    for each in coefficients[-2::-1]:
        slope = slope * x + value
        value = value * x + each
    return value, slope
